import { serve } from "tideway/server";
import { expect, it, vi } from "vitest";
import { handshake, RawClient } from "../../support/clients.ts";

it("the body of a Response that authorize returns after its client has left is cancelled", async () => {
  const cancel = vi.fn<() => void>();
  let decide!: (response: Response) => void;
  let signal: AbortSignal | undefined;
  await using server = await serve({
    port: 0,
    routes: {
      "ws:/": {
        authorize: async (request: Request): Promise<Response> => {
          signal = request.signal;
          return await new Promise((resolve) => (decide = resolve));
        },
        handle: () => {},
      },
    },
  });
  const client = new RawClient(server.port).send(handshake("/"));
  await vi.waitFor(() => expect(signal).toBeDefined());
  client.reset();
  await vi.waitFor(() => expect(signal!.aborted).toBe(true));
  decide(new Response(new ReadableStream({ cancel }), { status: 401 }));
  await vi.waitFor(() => expect(cancel).toHaveBeenCalledOnce());
});

it.each([
  ["is aborted if authorize fails later", true],
  ["is not aborted if authorize accepts later", false],
])("the signal of a handshake %s", async (_, fails) => {
  let signal: AbortSignal | undefined;
  await using server = await serve({
    port: 0,
    onError: () => {},
    onRefused: () => {},
    routes: {
      "ws:/": {
        authorize: async (request: Request): Promise<object> => {
          signal = request.signal;
          await new Promise((resolve) => setImmediate(resolve));
          if (fails) throw new Error("authorize failed");
          return {};
        },
        handle: () => {},
      },
    },
  });
  const client = new RawClient(server.port).send(handshake("/"));
  await client.receives(fails ? "HTTP/1.1 500" : "HTTP/1.1 101");
  expect(signal!.aborted).toBe(fails);
  client.socket.destroy();
});
