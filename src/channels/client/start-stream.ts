import type { ClientSession, Request } from "../wire/client-session.ts";
import { createFlow, type FlowReader } from "../wire/credit-flow.ts";

/** Starts a stream after the item `lastId`. Closing the reader cancels it. */
export function startStream(
  session: ClientSession,
  name: string,
  input: unknown,
  lastId: string | undefined,
): FlowReader<unknown> {
  const flow = createFlow<unknown>(
    session.creditBytes,
    (bytes) => session.send({ type: "credit", stream: request.id, bytes }),
    () => session.cancel(request),
  );
  const reader = flow.read();
  const request: Request = session.add(
    "stream",
    name,
    () => ({ name, input, credit: flow.open(), lastId }),
    flow.end,
    () => request.isRepeated,
    ({ data, itemId }, bytes) => {
      lastId = itemId ?? lastId;
      flow.push(data, bytes);
    },
  );
  return reader;
}
