import { channels, refuse } from "tideway/channels/server";
import { files, type HttpHandler, type WebSocketRoute } from "tideway/server";
import type { Topics } from "tideway/topics";
import { contract } from "./contract.ts";
import { startWorker, type WorkerProcess } from "./worker-process.ts";

/** The settings of {@link createAssistant}. */
export interface AssistantSettings {
  /** The topics of this server, which must keep whole conversations. `close` does not close them. */
  readonly topics: Topics;
  /** Whether their broker is in the memory of this server. */
  readonly isInMemory: boolean;
  /** The URL of this server. It is read when a page connects. */
  readonly url: () => string;
  /** All servers with this broker. Default: this server. */
  readonly servers?: readonly string[];
  /** The secret of the worker. Default: this server starts its own worker, when the first page connects. */
  readonly workerKey?: string;
}

/** The assistant on this server. */
export interface Assistant {
  readonly routes: {
    readonly "ws:/assistant/channels": WebSocketRoute;
    readonly "/assistant/page/*": HttpHandler;
    readonly "/assistant/*": HttpHandler;
  };
  /** Ends the worker that this server has started. */
  readonly close: () => Promise<void>;
}

/** Creates the assistant on this server. */
export function createAssistant({
  topics,
  isInMemory,
  url,
  servers,
  workerKey = crypto.randomUUID(),
}: AssistantSettings): Assistant {
  const isOwnWorker = servers === undefined;
  let worker: WorkerProcess | undefined;

  const api = channels(contract, {
    topics,
    // A page needs no credentials here. The id of a conversation is a secret of its readers.
    authorize: ({ auth }) => {
      if (auth !== undefined) {
        return auth === workerKey ? { state: { isWorker: true } } : refuse("forbidden");
      }
      if (isOwnWorker) worker ??= startWorker([url()], workerKey);
      return { state: { isWorker: false } };
    },
    rules: {
      "conversations/:conversation": {
        subscribe: true,
        publish: ({ state }) => state.isWorker,
      },
      tasks: { subscribe: ({ state }) => state.isWorker },
    },
    calls: {
      // Each publication has an id, so a call that the client sends again stores nothing twice.
      ask: async ({ conversation, text }, { id }) => {
        const topic = api.topic("conversations/:conversation", { conversation });
        await topic.publish({ type: "question", id, text }, { id });
        await api.topic("tasks").publish({ type: "answer", conversation, id, text }, { id });
      },
      stop: async ({ conversation, id }) => {
        const topic = api.topic("conversations/:conversation", { conversation });
        // The same id as at the end of the answer: only one of them is stored.
        await topic.publish({ type: "end", id, isStopped: true }, { id: `${id}-end` });
        await api.topic("tasks").publish({ type: "stop", id }, { id: `${id}-stop` });
      },
      about: () => ({
        isInMemory,
        servers: [...(servers ?? [url()])],
        server: url(),
        processId: process.pid,
      }),
    },
    limits: { calls: { ask: { perSecond: 2 } } },
  });
  return {
    routes: {
      "ws:/assistant/channels": api.route({
        compression: true,
        ...(servers && { origins: servers }),
      }),
      "/assistant/page/*": files(new URL("page/", import.meta.url)),
      "/assistant/*": files(new URL("../static/", import.meta.url)),
    },
    close: async () => worker?.stop(),
  };
}
