import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Endpoint } from "../../src/protocol/endpoint.ts";
import { ClientHandshake } from "../../src/protocol/handshake/client-handshake.ts";
import { ServerHandshake } from "../../src/protocol/handshake/server-handshake.ts";
import { readUpgradeRequest } from "../../src/protocol/handshake/upgrade-request.ts";
import { OutputBuffer } from "../../src/protocol/output-buffer.ts";
import { parseExtensions } from "../../src/protocol/handshake/index.ts";
import { asPeerOf, exactPool, fromHex, plainEnvironment, ROLES } from "../protocol/support.ts";
import { compilePattern } from "../../src/server/routes/patterns/route-pattern.ts";
import { StepCounter } from "./steps.ts";

const steps = new StepCounter();

beforeAll(() => steps.start());
afterAll(() => steps.stop());

/** The factor by which steps may grow more than the input, for an input `FACTOR` times as long. */
const FACTOR = 8;
const MOST_TIMES_MORE = FACTOR * 1.1;

async function expectLinear(run: (size: number) => void): Promise<void> {
  const few = await steps.count(() => run(1000));
  const many = await steps.count(() => run(1000 * FACTOR));
  expect(few).toBeGreaterThan(0);
  expect(many / few).toBeLessThanOrEqual(MOST_TIMES_MORE);
}

const latin1 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));
const LIMITS = { maxHeaderBytes: 1_000_000, maxHeaderCount: 1_000_000 };

describe("the number of steps grows no faster than the input", () => {
  it.each([
    ["spaces", (size: number) => `a;${" ".repeat(size)}b`],
    ["endless tabs and spaces", (size: number) => "\t ".repeat(size)],
    ["escaped characters", (size: number) => `a;b="${"\\a".repeat(size)}"`],
    ["backslashes in an unterminated string", (size: number) => `a;b="${"\\".repeat(size)}`],
    ["quotes", (size: number) => `a;b=${'"'.repeat(size)}`],
    ["parameters", (size: number) => `a${";b=1".repeat(size)}`],
    [
      "parameters of the same name, with names of prototypes",
      (size: number) => `a${";__proto__".repeat(size)}`,
    ],
    ["commas", (size: number) => ",".repeat(size)],
    ["extensions", (size: number) => "a,".repeat(size)],
  ])("in Sec-WebSocket-Extensions, for %s", async (_, makeValue) => {
    await expectLinear((size) => void parseExtensions([makeValue(size)]));
  });

  it.each([
    ["Upgrade", (size: number) => " ,".repeat(size)],
    ["Connection", (size: number) => "upgrade,".repeat(size)],
    ["Sec-WebSocket-Protocol", (size: number) => Array.from({ length: size }, (_, n) => n).join()],
    ["Sec-WebSocket-Key", (size: number) => "A".repeat(size)],
    ["Host", (size: number) => "a.".repeat(size)],
  ])("in %s of a request", async (name, makeValue) => {
    await expectLinear((size) => {
      const fields = {
        Host: "a",
        Upgrade: "websocket",
        Connection: "Upgrade",
        [name]: makeValue(size),
      };
      const request = { method: "GET", httpVersionMajor: 1, httpVersionMinor: 1 };
      readUpgradeRequest({ ...request, rawHeaders: Object.entries(fields).flat() });
    });
  });

  it.each([
    ["one field after another", (size: number) => "a: b\r\n".repeat(size)],
    ["fields of the same name", (size: number) => "cookie: b\r\n".repeat(size)],
    ["a value of spaces", (size: number) => `a:${" ".repeat(size)}b\r\n`],
    ["an endless name", (size: number) => "a".repeat(size)],
  ])("in a head with %s, even if it arrives byte by byte", async (_, makeFields) => {
    await expectLinear((size) => {
      const server = new ServerHandshake(LIMITS);
      server.receive(latin1(`GET / HTTP/1.1\r\n${makeFields(size)}`));
      const byteByByte = new ServerHandshake(LIMITS);
      for (const byte of latin1(`GET / HTTP/1.1\r\n${makeFields(size)}`)) {
        byteByByte.receive(Uint8Array.of(byte));
      }
      const client = new ClientHandshake({ url: new URL("ws://a/"), ...LIMITS }, plainEnvironment);
      client.receive(latin1(`HTTP/1.1 101 \r\n${makeFields(size)}`));
    });
  });

  it.each([
    "/q/*/*/*/end",
    "/:a-:b-:c",
    "/:a.:b.:c/end",
    "/{a:b}*/x/{c:d}*/end",
    "/:a*/b/:c+/end",
    "/:a((?:a+)+)/end",
    "/:a((?:a|a)*)b",
    "/(.*)a(.*)a(.*)a",
    "/:a/*/:b/:c/*",
    "/a/:b/c/*",
  ])("in a path that is matched with the route pattern %s", async (path) => {
    const pattern = compilePattern(path, path);
    const units = ["a", "/", "-", ".", "a/", "a-", "/a/b", "a.a"];
    for (const unit of units) {
      await expectLinear((size) => void pattern.match(`/q/${unit.repeat(size)}\u0000`));
    }
  });

  it.each(ROLES)("in frames to a %s, of any size and split anywhere", async (role) => {
    const makers = [
      (size: number) => `01${"00".repeat(1)}${"000161".repeat(size)}8000`,
      (size: number) => "0100" + "0000".repeat(size),
      (size: number) => "8900".repeat(size),
      (size: number) => "810161".repeat(size),
      (size: number) => "8a0161".repeat(size),
    ];
    for (const make of makers) {
      await expectLinear((size) => {
        const frames = asPeerOf(role, fromHex(make(size)));
        for (const step of [frames.length, 1, 3]) {
          const output = new OutputBuffer(exactPool);
          const events = { onText() {}, onBinary() {}, onPing() {}, onPong() {}, onFinish() {} };
          const endpoint = new Endpoint({ role }, plainEnvironment, output, events);
          for (let at = 0; at < frames.length; at += step)
            endpoint.receive(frames.slice(at, at + step));
        }
      });
    }
  });
});
