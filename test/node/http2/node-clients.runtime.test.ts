import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { TLSSocket } from "node:tls";
import type { CloseInfo, Server, Socket } from "tideway/server";
import { beforeEach, describe, expect, it } from "vitest";
import { runtimePackage } from "../../support/runtimes.ts";
import { describeWithRuntime } from "../../support/with-runtime.ts";
import { startTls } from "./support.ts";

const run = promisify(execFile);

const UNDICI = [
  ["7", import.meta.resolve("undici")],
  ["8", new URL(`file://${join(runtimePackage("undici"), "index.js")}`).href],
] as const;

/** Runs another client in a separate process. Returns its output. */
async function runClient(
  node: string,
  path: string,
  closer: "client" | "server",
  undici?: string,
): Promise<object> {
  const url = `wss://localhost:${server.port}${path}`;
  const args = ["test/runtimes/web-socket-client.ts", url, closer];
  const { stdout } = await run(node, undici === undefined ? args : [...args, undici], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: "test/support/certificates/localhost.crt" },
  });
  return JSON.parse(stdout) as object;
}

let server: Server;
/** The ALPN protocol of each connection. */
let versions: Array<string | false | null>;
let ended: Promise<CloseInfo>;

beforeEach(async () => {
  const handle = async (socket: Socket): Promise<void> => {
    ended = socket.done;
    for await (const message of socket) {
      if (message === "close") socket.close(4001, "ça va");
      else socket.send(message);
    }
  };
  const route = { protocols: ["b", "a"], handle };
  server = await startTls({
    routes: { "ws:/plain": route, "ws:/compressed": { ...route, compression: true } },
  });
  versions = [];
  server.httpServer.on("secureConnection", ({ alpnProtocol }: TLSSocket) => {
    versions.push(alpnProtocol);
  });
});

/** Their built-in clients differ in the version of HTTP. */
const RUNTIMES = ["node24", "node26"] as const;

describe.each(RUNTIMES)("a WebSocket over TLS of", (runtime) => {
  describeWithRuntime(runtime, (node) => {
    it.each([
      ["plain", "", "client", { code: 3000, reason: "" }],
      ["compressed", "permessage-deflate", "server", { code: 4001, reason: "ça va" }],
    ] as const)(
      "is served with the HTTP version that the built-in client chooses: %s",
      async (path, extension, closer, close) => {
        const observed = await runClient(node, `/${path}`, closer);
        expect(observed).toEqual({
          protocol: "b",
          extensions: expect.stringContaining(extension),
          unequal: [],
          ...close,
          wasClean: true,
        });
        expect(await ended).toMatchObject({ code: closer === "client" ? 3000 : 4001 });
        expect(versions).toEqual([runtime === "node24" ? "http/1.1" : "h2"]);
      },
    );

    describe.each(UNDICI)("undici %s with allowH2", (_version, module) => {
      it.each(["client", "server"] as const)(
        "exchanges messages over HTTP/2 until the %s closes",
        async (closer) => {
          for (const path of ["/plain", "/compressed"]) {
            const observed = await runClient(node, path, closer, module);
            expect(observed).toMatchObject({ protocol: "b", unequal: [], wasClean: true });
            expect(await ended).toMatchObject({
              code: closer === "client" ? 3000 : 4001,
              wasClean: true,
            });
          }
          expect(versions).toEqual(["h2", "h2"]);
        },
      );
    });
  });
});
