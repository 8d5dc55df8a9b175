import type { Duplex } from "node:stream";
import { serve } from "tideway/server";
import { expect, it, vi } from "vitest";
import { handshake, RawClient } from "../../support/clients.ts";
import { uncaughtErrorsOf } from "../../support/uncaught-errors.ts";

it("a handshake that is accepted after its connection was lost opens no socket", async () => {
  const handle = vi.fn<() => void>();
  const onError = vi.fn<(error: unknown) => void>();
  let lost: Duplex | undefined;
  const uncaught = await uncaughtErrorsOf(async () => {
    await using server = await serve({
      port: 0,
      onError,
      routes: {
        "ws:/": {
          authorize: () => {
            lost?.destroy();
            return {};
          },
          handle,
        },
      },
    });
    server.httpServer.prependListener("upgrade", (_request, socket) => (lost = socket));
    expect(await new RawClient(server.port).send(handshake("/")).closed()).toBe("");
    expect(server.sockets.size).toBe(0);
  });
  expect(handle).not.toHaveBeenCalled();
  expect(onError).not.toHaveBeenCalled();
  expect(uncaught).toEqual([]);
});
