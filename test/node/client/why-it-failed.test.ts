import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { type Plugin, rolldown } from "rolldown";
import { ReconnectingWebSocket, WebSocket } from "tideway";
import { describe, expect, it, onTestFinished } from "vitest";
import { acceptance, serveBytes } from "../../support/servers.ts";
import { TLS } from "../../support/certificate.ts";

const root = join(import.meta.dirname, "../../..");

/** The errors of one socket from `first` of each stream and from a loop over the messages. */
async function failuresOf(socket: WebSocket): Promise<unknown[]> {
  const { onOpen, onMessage, onClose } = socket;
  const loop = async (): Promise<void> => {
    for await (const _ of onMessage) throw new Error(`unexpected message`);
  };
  const failures = [
    onOpen.first,
    onMessage.first,
    loop(),
    onClose.first.then(() => onMessage.first),
  ];
  return (await Promise.allSettled(failures)).map(
    (result) => result.status === "rejected" && (result.reason as unknown),
  );
}

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe("every stream and loop of a socket rejects with the reason for the failure:", () => {
  it("a closed port", async () => {
    const port = await closedPort();
    for (const failure of await failuresOf(new WebSocket(`ws://127.0.0.1:${port}/`))) {
      expect(failure).toMatchObject({
        name: "ConnectionClosedError",
        closeCode: 1006,
        message: expect.stringContaining(`ECONNREFUSED 127.0.0.1:${port}`),
        cause: { code: "CONNECT_FAILED", cause: { code: "ECONNREFUSED" } },
      });
    }
  });

  it("a host that does not exist", async () => {
    for (const failure of await failuresOf(new WebSocket("ws://nowhere.invalid/"))) {
      expect(failure).toMatchObject({
        message: expect.stringContaining("nowhere.invalid"),
        cause: { code: "CONNECT_FAILED", cause: { syscall: "getaddrinfo" } },
      });
    }
  });

  it("a response with status 401", async () => {
    const url = await serveBytes((socket) => {
      socket.end("HTTP/1.1 401 Unauthorized\r\nContent-Length: 6\r\n\r\nlog in");
    });
    for (const failure of await failuresOf(new WebSocket(url))) {
      expect(failure).toMatchObject({
        closeCode: 1006,
        status: 401,
        message: expect.stringContaining("status 401"),
        cause: { name: "UnexpectedStatusError", status: 401, body: "log in" },
      });
    }
  });

  it("a handshake that is never answered", async () => {
    const url = await serveBytes(() => {});
    for (const failure of await failuresOf(new WebSocket(url, { handshakeTimeoutMs: 20 }))) {
      expect(failure).toMatchObject({
        message: expect.stringContaining("handshakeTimeoutMs 20"),
        cause: { code: "HANDSHAKE_TIMEOUT" },
      });
    }
  });

  it("a certificate without a trusted issuer", async () => {
    const server = createTlsServer(TLS);
    server.on("tlsClientError", () => {});
    server.listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    for (const failure of await failuresOf(new WebSocket(`wss://127.0.0.1:${port}/`))) {
      expect(failure).toMatchObject({
        message: expect.stringMatching(/self-signed certificate; .*pass .* tls\.ca$/),
        cause: { code: "CONNECT_FAILED", cause: { code: "DEPTH_ZERO_SELF_SIGNED_CERT" } },
      });
    }
  });

  it("a server that requires a client certificate", async () => {
    const server = createTlsServer({ ...TLS, requestCert: true });
    server.on("tlsClientError", () => {});
    server.listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    const options = { tls: { rejectUnauthorized: false } };
    for (const failure of await failuresOf(new WebSocket(`wss://127.0.0.1:${port}/`, options))) {
      expect(failure).toMatchObject({
        message: expect.stringContaining(
          "requires a client certificate; pass tls.cert and tls.key",
        ),
      });
    }
  });

  it("a wss: URL of a server without TLS", async () => {
    const server = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    server.listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    for (const failure of await failuresOf(new WebSocket(`wss://127.0.0.1:${port}/`))) {
      expect(failure).toMatchObject({
        message: expect.stringContaining("does not speak TLS on this port; pass a ws: URL"),
        cause: { code: "CONNECT_FAILED" },
      });
    }
  });

  it("a close before it was open", async () => {
    const url = await serveBytes(() => {});
    const socket = new WebSocket(url);
    socket.close();
    for (const failure of await failuresOf(socket)) {
      expect(failure).toMatchObject({ closedBy: "local", cause: { code: "ABORTED" } });
    }
  });

  it("a connection that the server closes with 4003", async () => {
    const url = await serveBytes((socket, request) => {
      socket.end(`${acceptance(request)}\x88\x08\x0f\xa3banned`, "latin1");
    });
    const socket = new WebSocket(url);
    await socket.onOpen.first;
    for (const failure of await failuresOf(socket)) {
      expect(failure).toMatchObject({ closeCode: 4003, reason: "banned", closedBy: "peer" });
    }
  });

  it("a connection that is dropped", async () => {
    const url = await serveBytes((socket, request) => {
      socket.end(acceptance(request));
    });
    const socket = new WebSocket(url);
    await socket.onOpen.first;
    for (const failure of await failuresOf(socket)) {
      expect(failure).toMatchObject({ closeCode: 1006, closedBy: "transport" });
    }
  });

  it("a ReconnectingWebSocket that stops", async () => {
    const url = await serveBytes((socket) => {
      socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    });
    const socket = new ReconnectingWebSocket(url);
    const loop = socket.onMessage[Symbol.asyncIterator]().next();
    const failures = [socket.onOpen.first, socket.onReconnected.first, loop];
    for (const failure of failures) {
      await expect(failure).rejects.toMatchObject({ closeCode: 1006, status: 403 });
    }
    await expect(socket.onOpen.first).rejects.toMatchObject({ status: 403 });
  });
});

it("the first client of the README reports the cause when no server listens", async () => {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const client = /^```ts\n(import \{ WebSocket \}.*?)^```$/ms.exec(readme)![1];
  const port = await closedPort();
  const parent = join(root, "test-artefacts");
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, "client-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const plugin: Plugin = {
    name: "readme",
    resolveId: (id) => (id === "virtual:client" ? id : null),
    load: (id) => (id === "virtual:client" ? client.replaceAll("8080", String(port)) : null),
  };
  const bundle = await rolldown({
    input: "virtual:client",
    platform: "node",
    plugins: [plugin],
    resolve: { alias: { tideway: join(root, "src/node/index.ts") } },
  });
  const file = join(folder, "client.mjs");
  await bundle.write({ file, codeSplitting: false });
  await bundle.close();
  const child = spawn(process.execPath, [file], { stdio: ["ignore", "ignore", "pipe"] });
  let output = "";
  child.stderr.on("data", (chunk) => (output += String(chunk)));
  const status = await new Promise((resolve) => child.once("close", resolve));
  expect(status).toBe(1);
  expect(output).toContain("ConnectionClosedError: the connection ended with 1006");
  expect(output).toContain(`connect ECONNREFUSED 127.0.0.1:${port}`);
});
