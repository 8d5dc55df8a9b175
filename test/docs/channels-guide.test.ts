/** Runs the contract and the server of docs/guides/channels.md, with a client. */
import { type ChannelClient, connect } from "tideway/channels";
import type * as ServerModule from "tideway/server";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { BlockFolder, readBlocks } from "./code-blocks.ts";

const PAGE = "docs/guides/channels.md";
const folder = BlockFolder.forTests(import.meta.filename);

/** The code of the block that begins with a file name. */
function blockOf(file: string): string {
  const block = readBlocks(PAGE).find(({ code }) => code.startsWith(`// ${file}\n`));
  if (block === undefined) throw new Error(`${PAGE} has no block ${file}`);
  return block.code;
}

/** The functions that the server of the guide needs. */
const FUNCTIONS = `
const userOf = async (token: unknown) =>
  typeof token === "string" ? { name: token, rooms: ["tides"] } : undefined;
async function* find(text: string) {
  for (const word of ["neap", "spring", "ebb"]) yield { title: word + " " + text };
}
`;

let server: ServerModule.Server;

beforeAll(async () => {
  folder.write("contract.ts", blockOf("contract.ts"));
  const code = blockOf("server.ts").replace("port: 8080", 'port: 0, host: "127.0.0.1"');
  const withServer = code.replace("await serve(", "export const server = await serve(");
  ({ server } = await folder.run<{ server: ServerModule.Server }>(FUNCTIONS + withServer));
});

afterAll(() => server.stop());

/** A client without the contract, which the compiler cannot know here. */
function clientOf(name: string): ChannelClient {
  const client = connect(`ws://127.0.0.1:${server.port}/api`, { auth: name });
  onTestFinished(() => client.close());
  return client;
}

const tides = { room: "tides" };

it("publishes drafts, and delivers them as messages", async () => {
  const room = clientOf("Ann").topic("rooms/:room", tides);
  await room.publish({ text: "hello" });
  await room.publish({ text: "again" });
  const texts: unknown[] = [];
  for await (const { data } of room.messages({ last: 50 })) {
    if (texts.push(data) === 2) break;
  }
  expect(texts).toEqual([
    { text: "hello", from: "Ann" },
    { text: "again", from: "Ann" },
  ]);
});

it("denies what the rules do not allow", async () => {
  const client = clientOf("Ann");
  const forbidden = expect.objectContaining({ name: "ChannelError", code: "FORBIDDEN" });
  const other = client.topic("rooms/:room", { room: "other" });
  await expect(other.messages().next()).rejects.toEqual(forbidden);
  const price = client.topic("prices/:symbol", { symbol: "TIDE" });
  await expect(price.publish({ price: 1 })).rejects.toEqual(forbidden);
  await expect(client.topic("rooms/:room", tides).publish({ text: 1 })).rejects.toMatchObject({
    code: "INVALID_DATA",
    mayBeStored: false,
    issues: [{ path: ["text"] }],
  });
});

it("answers calls, with declared errors", async () => {
  const client = clientOf("Ann");
  expect(await client.call("math/add", { a: 1, b: 2 })).toEqual({ sum: 3 });
  const { error } = await client.call("math/add", { a: 1e6, b: 1 }).result();
  expect(error).toMatchObject({ code: "overflow", data: { max: 1e6 } });
});

it("streams items", async () => {
  const titles: unknown[] = [];
  for await (const hit of clientOf("Ann").stream("search", "tide")) titles.push(hit);
  expect(titles).toEqual([{ title: "neap tide" }, { title: "spring tide" }, { title: "ebb tide" }]);
});

it("shows who is present", async () => {
  const ann = clientOf("Ann").topic("rooms/:room", tides);
  const bob = clientOf("Bob").topic("rooms/:room", tides);
  expect(await ann.enter()).toEqual({ id: "Ann", data: { name: "Ann" } });
  const ids: string[] = [];
  const changes = ann.onMembersChange[Symbol.asyncIterator]();
  await changes.next();
  await bob.enter();
  const { value } = await changes.next();
  for (const { id } of value?.joined ?? []) ids.push(id);
  expect(ids).toEqual(["Bob"]);
  await bob.leave();
  expect((await changes.next()).value).toMatchObject({ left: [{ id: "Bob" }] });
  await changes.return();
});

it("closes with 3000 for a client without valid credentials", async () => {
  const client = connect(`ws://127.0.0.1:${server.port}/api`, { initialDelayMs: 1 });
  onTestFinished(() => client.close());
  await expect(client.call("math/add", { a: 1, b: 2 })).rejects.toMatchObject({
    code: "UNAUTHORIZED",
  });
  expect(client.state).toBe("closed");
});
