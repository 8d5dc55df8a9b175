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
