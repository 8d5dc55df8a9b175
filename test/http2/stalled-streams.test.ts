import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, vi } from "vitest";
import { openSession, startTls } from "./support.ts";

const PATIENCE_MS = 50;

it("a client that stops reading an answer has it cancelled, and what is behind it let go", async () => {
  const onCancel = vi.fn<() => void>();
  const onError = vi.fn<(error: unknown) => void>();
  const endless = (): ReadableStream<Uint8Array> =>
    new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
      cancel: onCancel,
    });
  const server = await startTls({
    onError,
    routes: {
      // A handler that says nothing for a while keeps its stream, and the client has no longer for it.
      "/endless": async () => {
        await sleep(4 * PATIENCE_MS);
        return new Response(endless());
      },
    },
  });
  server.httpServer.timeout = PATIENCE_MS;
  const session = await openSession(server);
  // Nobody reads it, so its window shuts.
  const stream = session.request({ ":path": "/endless" });
  stream.on("error", () => {});
  const [headers] = (await once(stream, "response")) as [Record<string, unknown>];
  expect(headers[":status"]).toBe(200);
  await once(stream, "close");
  expect(stream.rstCode).toBe(8);
  await vi.waitFor(() => expect(onCancel).toHaveBeenCalledOnce());
  expect(onError).not.toHaveBeenCalled();
});
