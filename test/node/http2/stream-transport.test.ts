import { once } from "node:events";
import {
  type ClientHttp2Stream,
  connect,
  constants,
  createServer,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { Duplex } from "node:stream";
import { expect, it, onTestFinished, vi } from "vitest";
import { StreamTransport } from "../../../src/node/http2/stream-transport.ts";

/** A stream at the server, paused from the start, and its client. */
async function openPaused(): Promise<{
  client: ClientHttp2Stream;
  stream: ServerHttp2Stream;
  transport: StreamTransport;
}> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const session = connect(`http://127.0.0.1:${port}`);
  onTestFinished(async () => {
    session.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const client = session.request({ ":method": "POST" });
  const [stream] = (await once(server, "stream")) as [ServerHttp2Stream];
  stream.respond();
  const transport = new StreamTransport(stream);
  transport.pause();
  return { client, stream, transport };
}

it.each([
  [1, "before"],
  [60_000, "before"],
  [60_000, "after"],
])(
  "keeps %i bytes that arrive while it is paused, if the client ends %s it resumes",
  async (byteLength, ends) => {
    const { client, stream, transport } = await openPaused();
    const push = vi.spyOn(stream, "push");
    const sent = Buffer.from(Array.from({ length: byteLength }, (_, at) => at % 251));
    // In pieces, so that some arrive below the high-water mark of the stream, and the others above it.
    for (let at = 0; at < byteLength; at += 6000) client.write(sent.subarray(at, at + 6000));
    if (ends === "before") {
      client.end();
      await vi.waitFor(() => expect(push).toHaveBeenLastCalledWith(null));
    } else {
      const arrived = (): number =>
        push.mock.calls.reduce((sum, [chunk]) => sum + (chunk as Uint8Array).length, 0);
      await vi.waitFor(() => expect(arrived()).toBe(byteLength));
      client.end();
    }
    const events: Array<Uint8Array | "end"> = [];
    const ended = new Promise<void>((resolve) => {
      transport.start({
        onBytes: (bytes) => events.push(Uint8Array.from(bytes)),
        onDrain: () => {},
        onEnd: () => {
          events.push("end");
          resolve();
        },
        onClosed: () => {},
      });
    });
    await ended;
    expect(events.pop()).toBe("end");
    expect(Buffer.concat(events as Uint8Array[]).equals(sent)).toBe(true);
    transport.end();
  },
);

// The other versions have no repeated chunks, so the transport does not look for them there.
it.runIf(process.versions.node.startsWith("20."))(
  "delivers a chunk once that Node.js 20 pushes again, and an equal chunk in another buffer",
  async () => {
    const { stream, transport } = await openPaused();
    const received: string[] = [];
    transport.start({
      onBytes: (bytes) => received.push(Buffer.from(bytes).toString()),
      onDrain: () => {},
      onEnd: () => {},
      onClosed: () => {},
    });
    const [chunk, equal] = [
      Buffer.from(new Uint8Array([97, 98])),
      Buffer.from(new Uint8Array([97, 98])),
    ];
    const parts = Buffer.from(Uint8Array.from(Buffer.from("cdef")).buffer);
    for (const each of [chunk, chunk, equal, parts.subarray(0, 2), parts.subarray(2)])
      stream.push(each);
    await vi.waitFor(() => expect(received.join("")).toBe("ababcdef"));
    transport.destroy();
  },
);

it.each([1, 60_000])(
  "does not accept %i bytes in a write that fails at once, or after a failure",
  async (byteLength) => {
    const error = new Error("the stream cannot be written");
    const broken = new Duplex({
      read() {},
      write: (_chunk, _encoding, done) => done(error),
    }) as ServerHttp2Stream;
    const transport = new StreamTransport(broken);
    const closed = new Promise<Error | undefined>((resolve) => {
      transport.start({ onBytes() {}, onDrain() {}, onEnd() {}, onClosed: resolve });
    });
    expect(transport.write(Buffer.alloc(byteLength))).toBe(false);
    expect(transport.write(Buffer.alloc(byteLength))).toBe(false);
    expect(await closed).toBe(error);
  },
);

it("reports nothing after it is destroyed, although its stream ends later", async () => {
  const ending = new Duplex({ read() {}, write() {} });
  const stream = Object.assign(ending, { rstCode: constants.NGHTTP2_NO_ERROR });
  const transport = new StreamTransport(stream as unknown as ServerHttp2Stream);
  const onEnd = vi.fn<() => void>();
  const closed = new Promise<Error | undefined>((resolve) => {
    transport.start({ onBytes() {}, onDrain() {}, onEnd, onClosed: resolve });
  });
  transport.destroy();
  expect(await closed).toBeUndefined();
  const ended = once(stream, "end");
  stream.push(null);
  await ended;
  expect(onEnd).not.toHaveBeenCalled();
});
