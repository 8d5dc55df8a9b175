import { once } from "node:events";
import { constants } from "node:http2";
import { expect, it, vi } from "vitest";
import {
  codeOf,
  connectFrame,
  dataFrame,
  frame,
  FrameType,
  RawClient,
  resetFrame,
} from "./raw-client.ts";
import { answerOf, openSession, startTls } from "./support.ts";

const NOTHING = Buffer.alloc(0);

const onError = vi.fn<(error: unknown) => void>();
const deaf = vi.fn<() => Promise<object>>();
/** The number of pending calls of `authorize` and its maximum. */
const pending = { now: 0, most: 0 };
const authorize = vi.fn<(request: Request) => Promise<object>>();

/** At `/wait`, `authorize` waits until its client leaves. At `/deaf` it ignores that. */
async function start(): ReturnType<typeof startTls> {
  onError.mockReset();
  authorize.mockReset();
  deaf.mockReset();
  deaf.mockReturnValue(new Promise(() => {}));
  Object.assign(pending, { now: 0, most: 0 });
  authorize.mockImplementation(({ signal }) => {
    pending.most = Math.max(++pending.now, pending.most);
    return new Promise((_, reject) => {
      signal.addEventListener("abort", () => {
        pending.now--;
        reject(new Error("the client has gone"));
      });
    });
  });
  return await startTls({
    onError,
    routes: {
      "/page": () => new Response("page"),
      "ws:/wait": { authorize, handle: () => {} },
      "ws:/deaf": { authorize: deaf, handle: () => {} },
    },
  });
}

async function expectToServe(server: Awaited<ReturnType<typeof start>>): Promise<void> {
  const session = await openSession(server);
  expect(await answerOf(session.request({ ":path": "/page" }))).toMatchObject({ body: "page" });
  expect(onError).not.toHaveBeenCalled();
}

it.each([
  ["are reset (CVE-2023-44487)", "/wait"],
  ["are reset while authorize ignores its signal", "/deaf"],
])(
  "requests that %s before their response end the connection after a thousand",
  async (_, path) => {
    const server = await start();
    const client = await RawClient.open(server);
    for (let id = 1; id < 10_000; id += 2) {
      client.send(connectFrame(id, path), resetFrame(id, constants.NGHTTP2_CANCEL));
    }
    await client.closed();
    const goneAway = client.frames.filter(({ type }) => type === FrameType.GoAway);
    // In Node 26 a limit of nghttp2 on resets ends it first.
    const codes = [constants.NGHTTP2_ENHANCE_YOUR_CALM, constants.NGHTTP2_INTERNAL_ERROR];
    expect(codes).toContain(goneAway.at(-1)!.payload.readUInt32BE(4));
    expect(pending.most).toBeLessThanOrEqual(16);
    expect(deaf.mock.calls.length).toBeLessThanOrEqual(16);
    await expectToServe(server);
  },
);

it("handshakes that are ended before their response wait for at most 16 calls of authorize", async () => {
  const server = await start();
  const client = await RawClient.open(server);
  for (let id = 1; id < 2000; id += 2) {
    client.send(connectFrame(id, "/deaf"), dataFrame(id, NOTHING, true));
  }
  const isAnswered = (): boolean => client.frames.some(({ streamId }) => streamId === 1999);
  while (!isAnswered()) await once(client.socket, "data");
  expect(deaf).toHaveBeenCalledTimes(16);
  await expectToServe(server);
});

it("a client that awaits as many responses as it cancels is still served", async () => {
  const server = await start();
  const client = await RawClient.open(server);
  for (let id = 1; id < 4800; id += 4) {
    client.send(connectFrame(id, "/wait"), dataFrame(id, NOTHING, true));
    client.send(connectFrame(id + 2, "/nowhere"));
    await client.receives(FrameType.Headers, id + 2);
    client.frames.length = 0;
  }
  expect(authorize).toHaveBeenCalledTimes(1200);
  client.send(connectFrame(4801, "/nowhere"));
  await client.receives(FrameType.Headers, 4801);
});

it.each([
  ["pings", frame(FrameType.Ping, 0, 0, Buffer.alloc(8))],
  ["settings", frame(FrameType.Settings, 0, 0)],
])("a client that floods with %s and reads no response is dropped", async (_, one) => {
  const server = await start();
  const client = await RawClient.open(server);
  client.socket.pause();
  const many = Buffer.concat(Array.from({ length: 1000 }, () => one));
  const closed = client.closed();
  const flood = (): void => {
    if (client.socket.destroyed) return;
    if (client.socket.write(many)) setImmediate(flood);
    else client.socket.once("drain", flood);
  };
  flood();
  await closed;
  await expectToServe(server);
});

it("frames of an unknown type are ignored in any number (RFC 9113 4.1)", async () => {
  const server = await start();
  const client = await RawClient.open(server);
  for (let count = 0; count < 10_000; count++) client.send(frame(0x20, 0, 0));
  client.send(connectFrame(1, "/nowhere"));
  const reset = await client.receives(FrameType.RstStream, 1);
  expect(codeOf(reset)).toBe(constants.NGHTTP2_NO_ERROR);
});

/** CONTINUATION frames that never end their header block (CVE-2024-27316). */
it.each([0, 1000])(
  "a header block that never ends, in frames of %i bytes, ends the connection",
  async (length) => {
    const server = await start();
    const client = await RawClient.open(server);
    const closed = client.closed();
    client.send(frame(FrameType.Headers, 0, 1, Buffer.of(0x82, 0x87)));
    const field = Buffer.concat([
      Buffer.of(0, 1, 0x61, 0x7f, 0xe9, 0x06),
      Buffer.alloc(1000, 0x61),
    ]);
    const part = frame(FrameType.Continuation, 0, 1, length === 0 ? NOTHING : field);
    const flood = (): void => {
      if (client.socket.destroyed) return;
      if (client.socket.write(part)) setImmediate(flood);
      else client.socket.once("drain", flood);
    };
    flood();
    await closed;
    await expectToServe(server);
  },
);
