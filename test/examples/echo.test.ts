import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { WebSocketContext } from "tideway/server";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { echoRoute } from "../../examples/echo/src/echo.ts";
import { runFuzzingServer } from "../../examples/echo/src/fuzzing-run.ts";
import { ServerSocket } from "../../src/server/socket/server-socket.ts";
import { asPeerOf, fromHex, toHex, withoutMasks } from "../protocol/support.ts";
import { FakeConnection } from "../server/fake-connection.ts";
import { type Ended, ExampleProcess, runToEnd } from "./example-process.ts";
import { type FuzzingCase, FuzzingServer, REFUSE } from "./fuzzing-server.ts";

/** Starting a process takes a while on a busy machine. */
const TIMEOUT = 30_000;

const SERVER = "echo/dist/server.js";
const CLIENT = "echo/dist/client.js";
const LARGEST = 16 * 1024 * 1024;

let server: ExampleProcess | undefined;
let suite: FuzzingServer | undefined;

afterEach(async () => {
  suite?.close();
  await server?.kill("SIGKILL");
  server = suite = undefined;
});

async function startServer(...args: string[]): Promise<string> {
  server = await ExampleProcess.start(SERVER, { args: ["--port", "0", ...args] });
  return `ws://127.0.0.1:${server.port}`;
}

/** Runs the client against a suite of these cases. */
async function runClient(...cases: Array<FuzzingCase | typeof REFUSE>): Promise<Ended> {
  suite = new FuzzingServer(cases);
  return await runToEnd(CLIENT, { args: [await suite.listen()] });
}

/** Connects to the server, and plays a case with it as the client plays the cases of a suite. */
async function playWithServer(play: FuzzingCase): Promise<void> {
  const url = await startServer("--host", "127.0.0.1", "--max-message-bytes", String(LARGEST));
  const peer = new WebSocket(`${url}/any/path?at=all`, {
    perMessageDeflate: false,
    origin: "https://elsewhere.example",
  });
  const [{ socket }] = (await once(peer, "upgrade")) as [IncomingMessage];
  play(peer, socket);
  await once(peer, "close");
}

async function playWithClient(play: FuzzingCase): Promise<void> {
  const { exitCode, stderr } = await runClient(play);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
}

const TWINS = [
  { twin: "server", role: "server", play: playWithServer },
  { twin: "client", role: "client", play: playWithClient },
] as const;

describe.each(TWINS)("the echo $twin", { timeout: TIMEOUT }, ({ role, play }) => {
  it("echoes text as text and binary as binary, from empty to 16 MiB", async () => {
    const messages = [
      "text",
      "",
      Buffer.alloc(0),
      Buffer.from([0, 0xff, 0x80]),
      "𝄞 non-ASCII",
      Buffer.alloc(LARGEST, 0x61),
      "x".repeat(LARGEST),
    ];
    const echoes: Array<string | Buffer> = [];
    await play((peer) => {
      peer.on("message", (data: Buffer, isBinary) => {
        echoes.push(isBinary ? data : data.toString());
        if (echoes.length === messages.length) peer.close();
      });
      const send = (): void => messages.forEach((message) => peer.send(message));
      if (peer.readyState === WebSocket.OPEN) send();
      else peer.once("open", send);
    });
    expect(echoes.map((echo) => [typeof echo, echo.length])).toEqual(
      messages.map((message) => [typeof message, message.length]),
    );
    expect(echoes.every((echo, index) => isSame(echo, messages[index]))).toBe(true);
  });

  it("echoes a message before it fails the connection for the frame after it", async () => {
    // "hello", and a frame with a reserved opcode (RFC 6455 5.2), in one piece.
    const frames = asPeerOf(role, fromHex("8105 68656c6c6f 8300"));
    const received: Buffer[] = [];
    await play((peer, stream) => {
      // A copy, because `ws` unmasks in place.
      stream.prependListener("data", (chunk: Buffer) => received.push(Buffer.from(chunk)));
      const send = (): void => void stream.write(frames);
      if (peer.readyState === WebSocket.OPEN) send();
      else peer.once("open", send);
    });
    const bytes = Buffer.concat(received);
    const written = toHex(role === "client" ? withoutMasks(bytes) : bytes);
    expect(written).toMatch(/^810568656c6c6f88..03ea/);
  });
});

function isSame(one: string | Buffer, other: string | Buffer): boolean {
  return typeof one === "string" || typeof other === "string" ? one === other : one.equals(other);
}

/** The extension as in the header field. */
const DEFLATE = "permessage-deflate";

describe("compression", { timeout: TIMEOUT }, () => {
  const text = "compressible ".repeat(1000);

  it.each([[], ["--deflate"]])(
    "is accepted by the server only with --deflate (arguments: %s)",
    async (...args) => {
      const peer = new WebSocket(await startServer(...args), {
        perMessageDeflate: { threshold: 0 },
      });
      await once(peer, "open");
      peer.send(text);
      const [echo] = (await once(peer, "message")) as [Buffer];
      expect(String(echo)).toBe(text);
      expect(peer.extensions.includes(DEFLATE)).toBe(args.length > 0);
      peer.close();
      await once(peer, "close");
    },
  );

  it.each([[], ["--deflate"]])(
    "is offered by the client only with --deflate (arguments: %s)",
    async (...args) => {
      const observed: unknown[] = [];
      suite = new FuzzingServer([
        (client) => {
          client.send(text);
          client.on("message", (data: Buffer) => {
            observed.push(String(data) === text, client.extensions.includes(DEFLATE));
            client.close();
          });
        },
      ]);
      const { exitCode } = await runToEnd(CLIENT, { args: [await suite.listen(), ...args] });
      expect(exitCode).toBe(0);
      expect(observed).toEqual([true, args.length > 0]);
    },
  );
});

describe("npm run echo", { timeout: TIMEOUT }, () => {
  it("waits for a client that does not read", async () => {
    const connection = new FakeConnection();
    connection.bytesPerMessage = 100_000;
    const host = { onFailure() {}, onRefused() {}, onClosed() {}, inNextTurn: setImmediate };
    const context = {} as WebSocketContext<never, "", undefined>;
    const { handle } = echoRoute();
    await handle(new ServerSocket(connection, host), context);
    await Promise.resolve();
    for (const text of ["a", "b", "c"]) connection.handler.onText(text);
    expect(connection.sent).toEqual(["a"]);
    for (const sent of [
      ["a", "b"],
      ["a", "b", "c"],
    ]) {
      connection.drain();
      await nextTurn();
      expect(connection.sent).toEqual(sent);
    }
    connection.end({ code: 1006 });
    await nextTurn();
  });

  it("closes with 1009 above --max-message-bytes", async () => {
    const peer = new WebSocket(await startServer("--max-message-bytes", "10"));
    await once(peer, "open");
    peer.send("x".repeat(10));
    expect(String(((await once(peer, "message")) as [Buffer])[0])).toBe("xxxxxxxxxx");
    peer.send("x".repeat(11));
    expect((await once(peer, "close"))[0]).toBe(1009);
  });

  it.each([
    [["--port", "65536"], "--port is 65536, which is not a whole number from 0 to 65535."],
    [["--port", "0x50"], "--port is 0x50,"],
    [["--max-message-bytes", "0"], "--max-message-bytes is 0,"],
    [["--max-message-bytes", "1e3"], "--max-message-bytes is 1e3,"],
    [["--frobnicate"], "--frobnicate"],
    [["8080"], "8080"],
    [["--host", "\u001b[2J.invalid", "--port", "0"], "\\u{1b}[2J.invalid"],
  ])("refuses %j with the reason", async (args, message) => {
    const { exitCode, stdout, stderr } = await runToEnd(SERVER, { args });
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr).not.toContain("    at ");
  });
});

describe("npm run echo:client", { timeout: TIMEOUT }, () => {
  it("runs every case, even after one has failed, and requests the reports", async () => {
    const { exitCode, stdout, stderr } = await runClient(
      (client) => client.close(1000, "first"),
      REFUSE,
      (client) => client.terminate(),
      (_client, stream) => stream.write(fromHex("8300")),
      (client) => client.close(4000, "\u001b[2Jcleared \u202etxt"),
      (client) => client.close(1001),
    );
    expect(suite!.asked).toEqual([
      "/getCaseCount",
      ...[1, 2, 3, 4, 5, 6].map((number) => `/runCase?case=${number}&agent=tideway`),
      "/updateReports?agent=tideway",
    ]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(6);
    expect(lines[0]).toBe("case 1 of 6: 1000 first");
    expect(lines[1]).toMatch(/^case 2 of 6: 1006 .*500/);
    expect(lines[2]).toMatch(/^case 3 of 6: 1006/);
    expect(lines[3]).toMatch(/^case 4 of 6: 1006 .*opcode/);
    expect(lines[4]).toBe("case 5 of 6: 4000 \\u{1b}[2Jcleared \\u{202e}txt");
    expect(lines[5]).toBe("case 6 of 6: 1001");
  });

  it("continues after a case in which the server stops sending", async () => {
    suite = new FuzzingServer([(_client, stream) => stream.pause(), (client) => client.close()]);
    const codes: number[] = [];
    await runFuzzingServer(new URL(`${await suite.listen()}/`), {
      heartbeat: { idleMs: 50, timeoutMs: 50 },
      onCase: (_number, _count, { code }) => codes.push(code),
    });
    expect(codes).toEqual([1006, 1005]);
  });

  it.each(["", "ten", "-1", "1e3", "\u001b[2J3", "9".repeat(20)])(
    "fails when the number of cases is %j",
    async (countAnswer) => {
      suite = new FuzzingServer([]);
      suite.countAnswer = countAnswer;
      const { exitCode, stderr } = await runToEnd(CLIENT, { args: [await suite.listen()] });
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(/^cannot get the number of cases from ws:\S+: [^\p{Cc}]*\n$/u);
      expect(suite.asked).toEqual(["/getCaseCount"]);
    },
  );

  it("fails without a suite, and when the reports are not written", async () => {
    suite = new FuzzingServer([]);
    suite.refusesReports = true;
    const url = await suite.listen();
    const unwritten = await runToEnd(CLIENT, { args: [url] });
    expect(unwritten.exitCode).toBe(1);
    expect(unwritten.stderr).toMatch(/^The reports were not written: [^\p{Cc}]*500[^\p{Cc}]*\n$/u);
    suite.close();
    const none = await runToEnd(CLIENT, { args: [url] });
    expect(none.exitCode).toBe(1);
    expect(none.stderr).toMatch(
      /^cannot get the number of cases from ws:\S+: connection refused; is the fuzzing server running\?\n$/,
    );
  });

  it.each([
    [[], "0 URLs were passed; pass one"],
    [["ws://a", "ws://b"], "2 URLs were passed; pass one"],
    [["ftp://a"], "ftp://a is not the URL of a WebSocket server"],
    [["localhost"], "localhost is not the URL of a WebSocket server"],
    [["ws://a", "--max-message-bytes", "-1"], "--max-message-bytes"],
  ])("refuses %j with the reason", async (args, message) => {
    const { exitCode, stdout, stderr } = await runToEnd(CLIENT, { args });
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr).not.toContain("    at ");
  });
});

it.each([SERVER, CLIENT])("%s --help lists every option", { timeout: TIMEOUT }, async (main) => {
  const { exitCode, stdout, stderr } = await runToEnd(main, { args: ["--help"] });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toContain("--max-message-bytes N");
  expect(stdout).toContain("--deflate");
});
