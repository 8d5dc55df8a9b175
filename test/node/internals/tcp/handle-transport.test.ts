import { expect, it } from "vitest";
import { HandleTransport } from "../../../../src/node/internals/tcp/handle-transport.ts";
import { hasStreamWrap, type TcpHandle } from "../../../../src/node/internals/tcp/stream-wrap.ts";

/** The error code of libuv for a broken pipe, on Linux. */
const EPIPE = -32;

/** A handle on which all writes of bytes fail at once. */
function brokenHandle(): TcpHandle {
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
