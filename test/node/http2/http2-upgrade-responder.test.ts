import { constants } from "node:http2";
import { expect, it, vi } from "vitest";
import { answerOf, extendedConnect, openSession, startTls } from "./support.ts";

it("an error in the body of a Response of authorize is reported and resets the stream", async () => {
  const onError = vi.fn<(error: unknown, context: { route?: string }) => void>();
  const failure = new Error("the body failed");
  const body = new ReadableStream({ pull: (controller) => controller.error(failure) });
  const authorize = (): Response => new Response(body, { status: 401 });
  const server = await startTls({
    onError,
    onRefused: () => {},
    routes: { "ws:/": { authorize, handle: () => {} } },
  });
  const { rstCode } = await answerOf(extendedConnect(await openSession(server), "/"));
  expect(rstCode).toBe(constants.NGHTTP2_INTERNAL_ERROR);
  expect(onError).toHaveBeenCalledExactlyOnceWith(
    failure,
    expect.objectContaining({ route: "ws:/" }),
  );
});
