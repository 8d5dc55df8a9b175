import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type ReconnectingWebSocket, WebSocket } from "tideway";
import { type Server, serve, type Socket } from "tideway/server";
import { connectedPair } from "tideway/testing";
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  type MockInstance,
  vi,
} from "vitest";

const root = join(import.meta.dirname, "../..");
// Within the package, so that `tideway` is the package itself, as it is for those who install it.
const folder = join(root, "test-artefacts/readme");
const readme = readFileSync(join(root, "README.md"), "utf8");
const blocks = blocksOf(readme);

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function blocksOf(document: string): readonly string[] {
  return Array.from(document.matchAll(/^```ts\n(.*?)^```$/gms), ([, code]) => code);
}

/** The pages whose blocks are whole programs. */
const PAGES = [
  "guides/topics.md",
  "guides/authorization.md",
  "guides/reconnecting.md",
  "coming-from/ws.md",
  "guides/deploying.md",
];

describe("every block of code in the README and in the pages of docs/", () => {
  it.each([
    ["with strict", {}],
    ["without strict", { strict: false, exactOptionalPropertyTypes: false }],
  ])("compiles against the package as it is published, %s", (_how, compilerOptions) => {
    const pages = PAGES.flatMap((name) => blocksOf(readFileSync(join(root, "docs", name), "utf8")));
    for (const [at, code] of [...blocks, ...pages].entries()) {
      writeFileSync(join(folder, `block-${at + 1}.ts`), code);
    }
    const config = {
      extends: "../../test/tsconfig.json",
      compilerOptions: { ...compilerOptions, noUnusedLocals: false },
      include: ["*.ts"],
      references: [],
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    const typescript = createRequire(import.meta.url).resolve("typescript/package.json");
    const compiler = join(dirname(typescript), "bin/tsc");
    const { stdout, status } = spawnSync(process.execPath, [compiler, "-p", folder]);
    expect({ status, output: String(stdout) }).toEqual({ status: 0, output: "" });
  });
});

/** Runs a block, as changed, and returns what it exports. */
async function runBlock<Exports>(at: number, code: string): Promise<Exports> {
  const path = join(folder, `run-${at}.ts`);
  writeFileSync(path, code);
  return (await import(path)) as Exports;
}

describe("the first screen of the README", () => {
  let server: Server;

  const run = async (at: number, code: string): Promise<{ server: Server }> =>
    await runBlock(at, code);
  const startServer = async (at: number): Promise<void> => {
    const code = blocks[at]
      .replace("port: 8080", "port: 0")
      .replace(/^(const server = )?await serve\(/m, "export const server = await serve(");
    ({ server } = await run(at, code));
  };

  afterEach(async () => {
    await server.stop();
    vi.restoreAllMocks();
  });

  it("has a server and a client that talk to each other", async () => {
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    await startServer(0);
    await run(1, blocks[1].replaceAll("8080", String(server.port)));
    expect(log.mock.calls).toEqual([[`listening on port ${server.port}`], ["hello"]]);
  });

  it("has a chat that tells everyone in a room, by name, and nobody else", async () => {
    await startServer(2);
    const enter = async (path: string): Promise<WebSocket> => {
      const socket = new WebSocket(`ws://127.0.0.1:${server.port}/rooms/${path}`);
      await socket.onOpen.first;
      return socket;
    };
    const [ann, bob, elsewhere] = [
      await enter("tea?name=ann"),
      await enter("tea?name=bob"),
      await enter("coffee?name=cat"),
    ];
    const replies = [ann, bob].map(async (socket) => (await socket.onMessage.first).data);
    const receivedElsewhere = elsewhere.onMessage.first;
    ann.send("hello");
    expect(await Promise.all(replies)).toEqual(["ann: hello", "ann: hello"]);
    elsewhere.send("and here?");
    expect((await receivedElsewhere).data).toBe("cat: and here?");
    const closed = [ann, bob, elsewhere].map(async (socket) => {
      socket.close();
      return (await socket.onClose.first).wasClean;
    });
    expect(await Promise.all(closed)).toEqual([true, true, true]);
  });

  it("has a chat that turns away who gives no name", async () => {
    await startServer(2);
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/rooms/tea`);
    expect((await socket.onClose.first).code).toBe(1006);
  });
});

describe("the tour through the API", () => {
  let log: MockInstance<typeof console.log>;
  const servers: Server[] = [];
  const blockWith = (words: string): { at: number; code: string } => {
    const at = blocks.findIndex((code) => code.includes(words));
    return { at, code: blocks[at] };
  };

  beforeEach(() => {
    log = vi.spyOn(console, "log").mockImplementation(() => {});
  });

  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
    vi.restoreAllMocks();
  });

  it("has a server with HTTP routes, subprotocols and authorization", async () => {
    const { at, code } = blockWith('files("public")');
    const { server } = await runBlock<{ server: Server }>(
      at,
      code
        .replace("port: 8080", "port: 0")
        .replace('files("public")', 'files("docs")')
        .replace("const server", "export const server")
        .replace("await server.stop();", ""),
    );
    servers.push(server);
    const status = await fetch(`http://127.0.0.1:${server.port}/status`);
    expect(await status.json()).toEqual({ isUp: true });
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/rooms/tea`, {
      protocols: ["chat.v1", "chat.v2"],
      headers: { origin: "https://example.com" },
    });
    expect((await socket.onMessage.first).data).toBe("welcome");
    expect(socket.protocol).toBe("chat.v2");
  });

  it("has a handler that does with a socket all that can be done", async () => {
    const { at, code } = blockWith("export async function handle");
    const { handle } = await runBlock<{ handle: (socket: Socket) => Promise<void> }>(at, code);
    const pair = await connectedPair();
    const received: unknown[] = [];
    pair.client.onMessage.listen(({ data }) => received.push(data));
    await handle(pair.server);
    expect(received).toEqual(["a lot", "one", "two", "three"]);
    expect(log.mock.calls).toContainEqual([4000, "", true]);
    expect(log.mock.calls).toContainEqual(["over"]);
  });

  it("has typed messages, by any schema", async () => {
    const { at, code } = blockWith("declare const Move");
    const schema = '{ "~standard": { version: 1, vendor: "", validate: (value) => ({ value }) } }';
    const { server } = await runBlock<{ server: Server }>(
      at,
      code
        .replaceAll(
          /declare const (\w+): [^;]*(?:; to: string } \| [^;]*)?;/g,
          `const $1 = ${schema};`,
        )
        .replace("await serve({", "export const server = await serve({ port: 0,"),
    );
    servers.push(server);
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/game`);
    await socket.onOpen.first;
    const answer = socket.onMessage.first;
    socket.send('{"to":"e4"}');
    expect(JSON.parse((await answer).data as string)).toEqual({ type: "moved", to: "e4" });
  });

  it("has a server that compresses, but for what says not to", async () => {
    const { at, code } = blockWith("a secret, or a picture");
    const { server } = await runBlock<{ server: Server }>(
      at,
      code.replace("8080", "0").replace("const server", "export const server"),
    );
    servers.push(server);
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/prices`);
    expect((await socket.onMessage.first).data).toBe("a secret, or a picture");
    expect(socket.extensions).toContain("permessage-deflate");
  });

  it("has clients that listen, and that come back", async () => {
    const delivered = withResolvers<string>();
    const server = await serve({
      port: 0,
      routes: {
        "ws:/chat": {
          protocols: ["chat.v2", ""],
          handle: (socket) => {
            socket.send("hi");
            socket.listen((message) => delivered.resolve(String(message)));
          },
        },
      },
    });
    servers.push(server);
    const { at, code } = blockWith("new ReconnectingWebSocket(");
    const { lasting, socket } = await runBlock<{
      lasting: ReconnectingWebSocket;
      socket: WebSocket;
    }>(
      at,
      code
        .replaceAll("wss://example.com", `ws://127.0.0.1:${server.port}`)
        .replaceAll(/^const (socket|lasting)/gm, "export const $1"),
    );
    expect(await delivered.promise).toBe("kept until there is a connection, up to a bound");
    socket.close();
    lasting.close();
    await Promise.all([socket.onClose.first, lasting.onClose.first]);
    expect(log.mock.calls.filter(([data]) => data === "hi")).toHaveLength(2);
  });

  it("has topics, on which a client goes on where it was", async () => {
    const { at, code } = blockWith("new Topics(");
    const { server } = await runBlock<{ server: Server }>(at, code.replace("8080", "0"));
    servers.push(server);
    const url = server.url.replace("http:", "ws:");
    const read = async (socket: WebSocket): Promise<{ type: string; position: string }> =>
      JSON.parse((await socket.onMessage.first).data as string) as never;
    const first = new WebSocket(`${url}/news`);
    const { type, position } = await read(first);
    first.send("hello");
    expect(await read(first)).toMatchObject({ type: "publication", text: "hello" });
    first.close();
    const second = new WebSocket(`${url}/news?since=${position}`);
    const messages = second.onMessage[Symbol.asyncIterator]();
    const types = [type];
    for (let count = 0; count < 2; count++) {
      const { data } = (await messages.next()).value!;
      types.push((JSON.parse(data as string) as { type: string }).type);
    }
    expect(types).toEqual(["subscribed", "subscribed", "publication"]);
    second.close();
    await second.onClose.first;
  });

  it("has a network in memory for tests", async () => {
    const { at, code } = blockWith("new MemoryNetwork(");
    await runBlock(at, code);
    expect(log.mock.calls).toEqual([["hello you"]]);
  });
});

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  return { promise: new Promise<T>((settle) => (resolve = settle)), resolve };
}
