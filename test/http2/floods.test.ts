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
const authorize = vi.fn<(request: Request) => Promise<object>>();

/** Its clients wait for ever at `/wait`. */
async function start(): ReturnType<typeof startTls> {
  onError.mockReset();
  authorize.mockReset();
  authorize.mockReturnValue(new Promise(() => {}));
  return await startTls({
    onError,
    routes: {
      "/page": () => new Response("page"),
      "ws:/wait": { authorize, handle: () => {} },
    },
  });
}

async function expectToServe(server: Awaited<ReturnType<typeof start>>): Promise<void> {
  const session = await openSession(server);
  expect(await answerOf(session.request({ ":path": "/page" }))).toMatchObject({ body: "page" });
  expect(onError).not.toHaveBeenCalled();
}

it.each([
  ["are reset (CVE-2023-44487)", (id: number) => resetFrame(id, constants.NGHTTP2_CANCEL)],
  ["are ended", (id: number) => dataFrame(id, NOTHING, true)],
])("requests that %s before their answer end the connection after a thousand", async (_, end) => {
  const server = await start();
  const client = await RawClient.open(server);
  for (let id = 1; id < 10_000; id += 2) client.send(connectFrame(id, "/wait"), end(id));
  await client.closed();
  const goneAway = client.frames.filter(({ type }) => type === FrameType.GoAway);
  expect(goneAway.at(-1)!.payload.readUInt32BE(4)).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  expect(authorize.mock.calls.length).toBeGreaterThanOrEqual(1000);
  // What is read in one turn comes before the count is looked at.
  expect(authorize.mock.calls.length).toBeLessThan(3000);
  await expectToServe(server);
});

it("a client that waits for as many answers as it takes back requests is served on", async () => {
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
])("a client that floods with %s, and reads no answer, is dropped", async (_, one) => {
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

it("frames of an unknown type are not heeded, however many come (RFC 9113 4.1)", async () => {
  const server = await start();
  const client = await RawClient.open(server);
  for (let count = 0; count < 10_000; count++) client.send(frame(0x20, 0, 0));
  client.send(connectFrame(1, "/nowhere"));
  const reset = await client.receives(FrameType.RstStream, 1);
  expect(codeOf(reset)).toBe(constants.NGHTTP2_NO_ERROR);
});
