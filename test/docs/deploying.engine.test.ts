import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "tideway";
import { serve, type Server } from "tideway/server";
import { expect, it, onTestFinished } from "vitest";
import { Engine } from "../support/engine.ts";
import { describeWithEngine } from "../support/with-engine.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/guides/deploying.md"), "utf8");
const certificates = join(import.meta.dirname, "../support/certificates");
const CERT = readFileSync(join(certificates, "localhost.crt"), "utf8");
const KEY = readFileSync(join(certificates, "localhost.key"), "utf8");

/** The page's code block in a language, with some of its texts replaced. Each text must occur. */
function blockOf(language: string, replacements: Readonly<Record<string, string>>): string {
  let text = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "ms").exec(page)![1];
  for (const [from, to] of Object.entries(replacements)) {
    expect(text).toContain(from);
    text = text.replaceAll(from, to);
  }
  return text;
}

/** A server behind a proxy that sends each client the properties of its request. */
async function startServer(): Promise<Server> {
  const server = await serve({
    host: "127.0.0.1",
    port: 0,
    trustProxy: ["127.0.0.1", "::1"],
    routes: {
      "ws:/chat": (socket, { remoteAddress, url }) => {
        socket.send(JSON.stringify([remoteAddress, url.href]));
        socket.listen((message) => void socket.send(message));
      },
      "/page": (_request, { remoteAddress, url }) => Response.json([remoteAddress, url.href]),
    },
  });
  onTestFinished(async () => await server.stop({ timeoutMs: 1000 }));
  return server;
}

/** Fields with which a client pretends to be another client. */
const SPOOFED = {
  forwarded: "for=192.0.2.1;host=spoofed.example;proto=http",
  "x-forwarded-for": "192.0.2.2",
  "x-forwarded-host": "spoofed.example",
  "x-forwarded-proto": "http",
  "x-forwarded-port": "99",
};

/**
 * Connects through a proxy with extra fields. Returns the first message, or the status of a
 * refusal.
 */
async function observedThrough(
  port: number,
  headers: Readonly<Record<string, string>>,
): Promise<unknown> {
  const host = `localhost:${port}`;
  const socket = new WebSocket(`wss://127.0.0.1:${port}/chat`, {
    headers: { host, origin: `https://${host}`, ...headers },
    tls: { ca: CERT, servername: "localhost" },
  });
  const messages: unknown[] = [];
  return await new Promise((resolve) => {
    socket.onmessage = ({ data }) => {
      messages.push(data);
      if (messages.length === 1) return socket.send("x".repeat(100_000));
      socket.close();
      resolve([...(JSON.parse(messages[0] as string) as unknown[]), (data as string).length]);
    };
    socket.onerror = ({ error }) => resolve((error as { status?: unknown }).status);
  });
}

/** The expected result for any fields, if the proxy's configuration is right. */
const expected = (port: number): unknown => [
  ["127.0.0.1", `https://localhost:${port}/chat`, 100_000],
  ["127.0.0.1", `https://localhost:${port}/chat`, 100_000],
  403,
];

async function observedByAll(port: number): Promise<unknown> {
  const foreign = { origin: "https://spoofed.example", "x-forwarded-host": "spoofed.example" };
  return await Promise.all([{}, SPOOFED, foreign].map((fields) => observedThrough(port, fields)));
}

describeWithEngine("nginx", "nginx, configured as docs/guides/deploying.md says,", (path) => {
  it("forwards WebSockets and the client's address, scheme and host, but no such field from the client", async () => {
    const server = await startServer();
    await using engine = await Engine.nginx(path, (port) =>
      blockOf("nginx", {
        "listen 443 ssl": `listen 127.0.0.1:${port} ssl`,
        "http://127.0.0.1:8080": `http://127.0.0.1:${server.port}`,
        "/etc/ssl/example.com.crt": join(certificates, "localhost.crt"),
        "/etc/ssl/example.com.key": join(certificates, "localhost.key"),
      }),
    );
    expect(await observedByAll(engine.port)).toEqual(expected(engine.port));
  });
});

describeWithEngine("haproxy", "HAProxy, configured as docs/guides/deploying.md says,", (path) => {
  it("forwards WebSockets and the client's address, scheme and host, but no such field from the client", async () => {
    const server = await startServer();
    const folder = await mkdtemp(join(tmpdir(), "tideway-pem-"));
    onTestFinished(async () => await rm(folder, { recursive: true }));
    const pem = join(folder, "localhost.pem");
    writeFileSync(pem, CERT + KEY);
    await using engine = await Engine.haproxy(path, (port) =>
      blockOf("haproxy", {
        "bind :443": `bind 127.0.0.1:${port}`,
        "127.0.0.1:8080": `127.0.0.1:${server.port}`,
        "/etc/ssl/example.com.pem": pem,
      }),
    );
    expect(await observedByAll(engine.port)).toEqual(expected(engine.port));
  });
});
