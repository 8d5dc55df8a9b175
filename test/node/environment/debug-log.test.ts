import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BundledProgram } from "../../support/bundled-program.ts";
import { TLS } from "../../support/certificate.ts";

/** Causes each kind of line once. */
const PROGRAM = "test/node/environment/debug-log-program.ts";

let program: BundledProgram;
let log: string;

async function run(env: Record<string, string>): Promise<{ stdout: string; stderr: string }> {
  await using running = program.start(env, JSON.stringify(TLS));
  const code = await running.exited;
  expect({ code, stdout: running.stdout }).toEqual({ code: 0, stdout: "done\n" });
  return running;
}

beforeAll(async () => {
  program = await BundledProgram.bundle(PROGRAM);
  log = (await run({ NODE_DEBUG: "tideway" })).stderr;
});

afterAll(async () => {
  await program[Symbol.asyncDispose]();
});

describe("NODE_DEBUG=tideway writes a line when", () => {
  it.each<[event: string, line: RegExp]>([
    ["a server listens", /server 1 listens on http:\/\/127\.0\.0\.1:\d+$/],
    ["a server is attached to another", /server \d attached to an HTTP server$/],
    [
      "a handshake waits for authorize",
      /handshake waits for authorize: path "\/echo" from 127\.0\.0\.1$/,
    ],
    [
      "a handshake is accepted",
      /handshake accepted: path "\/echo" from 127\.0\.0\.1, HTTP\/1\.1, subprotocol 1 of 1 offered, extensions permessage-deflate.*, as connection \d+$/,
    ],
    [
      "a handshake over HTTP/2 is accepted",
      /handshake accepted: path "\/h2" from 127\.0\.0\.1, HTTP\/2, subprotocol none, extensions none, as connection \d+$/,
    ],
    [
      "a server accepts a client",
      /handshake accepted by "ws:\/\/127\.0\.0\.1:\d+\/echo", HTTP\/1\.1, subprotocol 1 of 1 offered, extensions permessage-deflate.*, as connection \d+$/,
    ],
    [
      "a handshake has no route",
      /handshake refused with 404 by the server: .*\(path "\/missing%E2%80%AE", origin none, host "127\.0\.0\.1:\d+", address 127\.0\.0\.1\)\. The option that decides this: routes\.$/,
    ],
    [
      "a handshake has another origin",
      /handshake refused with 403 by the server: .*origin "http:\/\/other\.example".*route "ws:\/echo".*: origins\.$/,
    ],
    [
      "an origin has a password and a query, which are left out",
      /handshake refused with 403 .*origin "https:\/\/other\.example\/", host "127\.0\.0\.1:\d+"/,
    ],
    [
      "a host has a password, which is left out",
      /handshake refused with 400 by the server: .*host "tideway\.example"/,
    ],
    [
      "createConnection throws, without its message",
      /handshake failed with "ws:\/\/127\.0\.0\.1:\d+\/echo": CONNECT_FAILED \(cause: Error\)$/,
    ],
    [
      "authorize refuses a client",
      /handshake refused with 401 by the application: .*: authorize\.$/,
    ],
    [
      "a server chooses no subprotocol, without the offered ones",
      /handshake failed with "ws:\/\/127\.0\.0\.1:\d+\/unread": MISSING_SUBPROTOCOL$/,
    ],
    [
      "a message is not valid, without the issues of the schema",
      /connection closed with 1007 by the server: the peer's message is not valid \(.*: schema\.$/,
    ],
    [
      "a server refuses a client",
      /handshake failed with "ws:\/\/127\.0\.0\.1:\d+\/deny": UNEXPECTED_STATUS: .*401/,
    ],
    ["a server's connection opens", /connection \d+ open, this side is the server$/],
    ["a client's connection opens", /connection \d+ open, this side is the client$/],
    ["this side closes", /connection \d+ closing: this side sends Close 1000 "done/],
    ["the peer closes", /connection \d+ closing: the peer sends no more messages$/],
    ["this side drops a connection", /connection \d+ closing: this side drops the connection$/],
    [
      "this side fails a connection",
      /connection \d+ closing: this side fails the connection with 1009, MESSAGE_TOO_BIG: /,
    ],
    [
      "a connection has closed",
      /connection \d+ closed with 1000 after a closing handshake after \d+ ms \(received 1 messages in \d+ bytes, sent 1 messages in \d+ bytes\)$/,
    ],
    [
      "a transport has failed",
      /connection \d+ closed with 1006 without a closing handshake after \d+ ms, TRANSPORT_FAILED: .* \(cause: Error ECONNRESET\) \(received/,
    ],
    [
      "an HTTP/2 stream was reset",
      /closed with 1006 .*, TRANSPORT_FAILED: the stream was reset with the code 8 \(cause: Error ERR_HTTP2_STREAM_ERROR\)/,
    ],
    [
      "createConnection returns a stream that has ended",
      /CONNECT_FAILED: createConnection returned a stream that has ended \(cause: Error ERR_STREAM_PREMATURE_CLOSE\)$/,
    ],
    [
      "the server closes a connection",
      /connection closed with 1009 by the server: .*: maxMessageBytes\.$/,
    ],
    [
      "an error goes to onError, without its message",
      /error of route "ws:\/throw" goes to onError: TypeError E_APP$/,
    ],
    [
      "received messages wait for the application",
      /connection \d+ reading paused: received messages have waited \d+ ms for the application/,
    ],
    ["reading continues", /connection \d+ reading resumed after \d+ ms$/],
    [
      "output waits for the peer",
      /connection \d+ writing paused: \d+ bytes have waited \d+ ms for the peer to read$/,
    ],
    ["writing continues", /connection \d+ writing resumed after \d+ ms$/],
    ["a client reconnects", /client 1 reconnects: attempt 1 in \d ms, after 1006$/],
    ["a client has connected", /client 1 connected to "ws:\/\/127\.0\.0\.1:\d+\/echo"$/],
    ["an attempt fails", /client 2 failed: UNEXPECTED_STATUS: /],
    ["close stops a client", /client 1 stopped with \d+: close was called$/],
    ["decide stops a client", /client 2 stopped with 1006: the option decide stopped it$/],
    ["a signal stops a client", /client 3 stopped with 1006: its signal has aborted$/],
    [
      "a broker does not answer",
      /topic "room\\n1" publish retries in \d+ ms, after 1 failures: BROKER_TIMEOUT: /,
    ],
    [
      "an option switches fast paths off",
      /fast path not used: all of one server, because its option fastPaths is false$/,
    ],
    [
      "other code prevents a fast path",
      /fast path not used: opening handshakes, because other code listens/,
    ],
    [
      "a server has too many connections",
      /server 1 dropped a connection: the limit of 1 open connections is reached$/,
    ],
    [
      "a server drains",
      /server 1 stops: closes 1 sockets with 1012 in batches of 1 every 1 ms, deadline 10000 ms$/,
    ],
    ["a drain closes a batch", /drain: closes sockets 1 to 1 of 1$/],
    [
      "a server stops",
      /server \d stops: closes \d sockets with 1001 "bye" at once, deadline 10000 ms$/,
    ],
    ["a server has stopped", /server 1 stopped$/],
  ])("%s", (_event, line) => {
    expect(log.split("\n")).toContainEqual(expect.stringMatching(line));
  });
});

it("NODE_DEBUG=tideway escapes what a peer sends, so that it cannot forge a line", () => {
  for (const line of log.split("\n").slice(0, -1)) {
    expect(line).toMatch(/^(TIDEWAY \d+: \P{Cc}+|\(node:.*|\(Use `node .*)$/u);
  }
  expect(log).toMatch(/closed with 1000 "done\\u001b\[31m\\nTIDEWAY 1: forged"/);
});

it("NODE_DEBUG=tideway writes no cookies, headers, passwords, query strings or payloads", () => {
  expect(log).not.toMatch(/secret/i);
});

it("NODE_DEBUG=tideway does not end the process when the reader of stderr has ended", async () => {
  await using running = program.start({ NODE_DEBUG: "tideway" }, JSON.stringify(TLS));
  running.closeStderr();
  expect({ code: await running.exited, stdout: running.stdout }).toEqual({
    code: 0,
    stdout: "done\n",
  });
});

it("NODE_DEBUG without tideway writes nothing", async () => {
  expect((await run({ NODE_DEBUG: "http2session" })).stderr).not.toContain("TIDEWAY");
});

it("NODE_DEBUG=tide* with TIDEWAY_FAST_PATHS=0 writes that no fast path is used", async () => {
  await using running = program.start({ NODE_DEBUG: "tide*", TIDEWAY_FAST_PATHS: "0" });
  expect(await running.exited).toBe(0);
  expect(running.stderr).toMatch(/fast path not used: all, because TIDEWAY_FAST_PATHS is "0"$/m);
});
