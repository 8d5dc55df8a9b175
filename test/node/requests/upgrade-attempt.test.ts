import { once } from "node:events";
import { serve } from "tideway/server";
import { expect, it, vi } from "vitest";
import { handshake, RawClient } from "../../support/clients.ts";

it("an error of authorize is not reported if its client has left", async () => {
  const onError = vi.fn<(error: unknown) => void>();
  const aborted: boolean[] = [];
  let hasLeft!: () => void;
  const leaving = new Promise<void>((resolve) => (hasLeft = resolve));
  await using server = await serve({
    port: 0,
    onError,
    onRefused: () => {},
    routes: {
      "ws:/": {
        authorize: async (request: Request): Promise<object> => {
          await leaving;
          aborted.push(request.signal.aborted);
          request.signal.throwIfAborted();
          return {};
        },
        handle: () => {},
      },
    },
  });
  const accepted = once(server.httpServer, "upgrade");
  const client = new RawClient(server.port).send(handshake("/"));
  const [, socket] = (await accepted) as [unknown, NodeJS.EventEmitter];
  const closed = once(socket, "close");
  client.socket.destroy();
  await closed;
  hasLeft();
  await vi.waitFor(() => expect(aborted).toEqual([true]));
  await server.stop();
  expect(onError).not.toHaveBeenCalled();
});

it("authorize gets the values of repeated fields, joined as in a Request (Fetch 2.2.2)", async () => {
  const observed: (string | null)[] = [];
  await using server = await serve({
    port: 0,
    routes: {
      "ws:/": {
        authorize: ({ headers }: Request) => {
          observed.push(headers.get("cookie"), headers.get("x-a"), headers.get("host"));
          return {};
        },
        handle: (socket) => socket.close(),
      },
    },
  });
  const fields = { Cookie: ["a=1", "b=2"], "X-A": ["c", "d"] };
  await new RawClient(server.port).send(`${handshake("/", fields)}\x88\x80\0\0\0\0`).closed();
  expect(observed).toEqual(["a=1; b=2", "c, d", "localhost"]);
});
