import { type Assistant, createAssistant } from "@tideway/example-assistant";
import { whiteboardRoutes } from "@tideway/example-whiteboard";
import { type Broker, Topics } from "tideway/topics";

/** The whiteboard and the assistant, which the server of the chat serves too. */
export interface OtherExamples {
  readonly routes: ReturnType<typeof whiteboardRoutes> & Assistant["routes"];
  readonly close: () => Promise<void>;
}

/** The number of publications of a topic that both examples need: strokes of a board, tokens of answers. */
export const HISTORY_SIZE = 5_000;

/**
 * Opens the examples. They do not close the broker.
 *
 * @param broker absent for a broker in memory
 * @param url the URL of the server, which is read when a page connects
 */
export function openOtherExamples(broker: Broker | undefined, url: () => string): OtherExamples {
  const topics = new Topics({ historySize: HISTORY_SIZE, ...(broker && { broker }) });
  const assistant = createAssistant({ topics, isInMemory: broker === undefined, url });
  return {
    routes: { ...whiteboardRoutes(topics), ...assistant.routes },
    close: async () => {
      await assistant.close();
      await topics.close();
    },
  };
}
