/** TLS and HTTP/2 in runtimes with their own `node:tls`. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { WebSocket } from "tideway";
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";
import { BundledProgram, type RunningProgram } from "../../support/bundled-program.ts";
import { CERT } from "../../support/certificate.ts";
import { describeWithRuntime } from "../../support/with-runtime.ts";

const run = promisify(execFile);
const FILES = [
  "test/support/certificates/localhost.crt",
  "test/support/certificates/localhost.key",
] as const;

let program: BundledProgram;

beforeAll(async () => {
  program = await BundledProgram.bundle("test/node/serve/tls-program.ts");
});

afterAll(() => program[Symbol.asyncDispose]());

async function firstLine(running: RunningProgram): Promise<string> {
  await vi.waitFor(() => expect(running.stdout).toContain("\n"), { timeout: 20_000 });
  return running.stdout.split("\n")[0];
}

/** Exchanges messages through the client that `web-socket-client.ts` uses. Returns its output. */
async function ownClient(runtime: string, ...args: readonly string[]): Promise<object> {
  // The WebSocket of Deno refuses a certificate that is its own issuer, even if it is a trusted issuer.
  const trust = "--unsafely-ignore-certificate-errors=localhost";
  const flags = runtime.endsWith("deno") ? ["run", "--allow-all", trust] : [];
  const { stdout } = await run(runtime, [...flags, "test/runtimes/web-socket-client.ts", ...args], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: FILES[0] },
  });
  return JSON.parse(stdout) as object;
}

async function expectExchange(url: string): Promise<void> {
  const socket = new WebSocket(url, { tls: { ca: CERT }, protocols: ["b"] });
  await socket.onOpen.first;
  for (const length of [0, 5, 126, 70_000, 1_000_000]) {
    const echo = socket.onMessage.first;
    socket.send("x".repeat(length));
    expect((await echo).data).toBe("x".repeat(length));
  }
  const closed = socket.onClose.first;
  socket.send("close");
  expect(await closed).toMatchObject({ code: 4001, reason: "ça va", wasClean: true });
}

describe.each(["bun", "deno"] as const)("a server over TLS in", (runtime) => {
  describeWithRuntime(runtime, (path) => {
    it("exchanges messages with a client of this package", async () => {
      await using running = program.startIn(path, {}, ...FILES);
      const url = (await firstLine(running)).replace("https:", "wss:");
      await expectExchange(`${url}/plain`);
      await expectExchange(`${url}/compressed`);
    });

    it("exchanges messages with the runtime's own client until either side closes", async () => {
      await using running = program.startIn(path, {}, ...FILES);
      const url = (await firstLine(running)).replace("https:", "wss:");
      const byClient = await ownClient(path, `${url}/plain`, "client");
      expect(byClient).toMatchObject({ protocol: "b", unequal: [], code: 3000, wasClean: true });
      const byServer = await ownClient(path, `${url}/compressed`, "server");
      expect(byServer).toMatchObject({ unequal: [], code: 4001, reason: "ça va" });
    });

    it.runIf(runtime === "deno")("exchanges messages over HTTP/2 (RFC 8441)", async ({ skip }) => {
      const { path: node } = inject("runtimes").node24;
      if (node === undefined) return skip("Node.js 24 is missing");
      await using running = program.startIn(path, {}, ...FILES);
      const url = (await firstLine(running)).replace("https:", "wss:");
      const undici = import.meta.resolve("undici");
      const observed = await ownClient(node, `${url}/compressed`, "client", undici);
      expect(observed).toMatchObject({ protocol: "b", unequal: [], wasClean: true });
      expect(running.stdout.split("\n")).toContain("ALPN h2");
    });

    it.runIf(runtime === "bun")("refuses http2, which Bun does not offer", async () => {
      await using running = program.startIn(path, {}, ...FILES, "http2");
      expect(await firstLine(running)).toBe("UNSUPPORTED");
    });
  });
});
