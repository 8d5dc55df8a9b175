import { expect, it, vi } from "vitest";
import { HandleTransport } from "../../../../src/node/internals/tcp/handle-transport.ts";
import { hasStreamWrap, type TcpHandle } from "../../../../src/node/internals/tcp/stream-wrap.ts";

/** The error code of libuv for a broken pipe, on Linux. */
const EPIPE = -32;

/** A handle on which all writes of bytes fail at once, except for `methods`. */
function brokenHandle(methods: Partial<TcpHandle> = {}): TcpHandle {
  return {
    readStart: () => 0,
    readStop: () => 0,
    useUserBuffer: () => {},
    writeBuffer: () => EPIPE,
    writeLatin1String: () => 0,
    shutdown: () => 0,
    setNoDelay: () => 0,
    getpeername: () => 0,
    close(callback) {
      process.nextTick(() => callback.call(this));
    },
    ...methods,
  };
}

it("a write to a handle that fails at once is not accepted, and closes the transport", async () => {
  expect(hasStreamWrap()).toBe(true);
  const transport = new HandleTransport(brokenHandle(), () => {});
  const closed = new Promise<Error | undefined>((resolve) => {
    transport.start({ onBytes() {}, onDrain() {}, onEnd() {}, onClosed: resolve });
  });
  expect(transport.write(Buffer.from("a"))).toBe(false);
  expect(transport.write(Buffer.from("after the failure"))).toBe(false);
  expect(await closed).toMatchObject({ errno: EPIPE, syscall: "write" });
});

it("a write after the end of this side is not accepted and is not passed to the handle", () => {
  const shutdown = vi.fn<TcpHandle["shutdown"]>(() => 0);
  const writeBuffer = vi.fn<TcpHandle["writeBuffer"]>(() => 0);
  const transport = new HandleTransport(brokenHandle({ shutdown, writeBuffer }), () => {});
  transport.end();
  transport.end();
  expect(shutdown).toHaveBeenCalledOnce();
  expect(transport.write(Buffer.from("late"))).toBe(false);
  expect(writeBuffer).not.toHaveBeenCalled();
});
