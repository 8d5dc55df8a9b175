import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { serve } from "tideway/server";
import { expect, it, onTestFinished, vi } from "vitest";
import { CERT, TLS } from "../../support/certificate.ts";

it.skipIf(process.platform === "win32")(
  "on a Unix socket, stop answers a request and drops clients in their TLS handshake, without its deadline",
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "tideway-"));
    onTestFinished(() => rm(directory, { recursive: true }));
    let answer: ((response: Response) => void) | undefined;
    const path = join(directory, "app.sock");
    const server = await serve({
      path,
      tls: TLS,
      handshakeTimeoutMs: 300_000,
      routes: { "/": () => new Promise<Response>((resolve) => (answer = resolve)) },
    });
    const silent = [connect({ path }), connect({ path })];
    await Promise.all(silent.map((client) => once(client, "connect")));
    const busy = connectTls({ path, servername: "localhost", ca: CERT });
    busy.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await vi.waitUntil(() => answer !== undefined);
    const stopped = server.stop({ timeoutMs: 3_600_000 });
    answer?.(new Response("answer"));
    const received = (await busy.toArray()).join("");
    expect(received).toMatch(/\r\n\r\nanswer$/);
    await stopped;
  },
);
