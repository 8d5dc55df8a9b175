import { connect } from "node:net";
import { buffer } from "node:stream/consumers";
import { connect as connectTls } from "node:tls";
import { serve } from "tideway/server";
import { describe, expect, it, vi } from "vitest";
import { TLS } from "../../support/certificate.ts";

const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => byte);

describe.each([
  ["TCP", undefined],
  ["TLS", TLS],
])("a response over %s", (_name, tls) => {
  it.each<[string, () => Response | Promise<Response>, Uint8Array]>([
    ["every byte", () => new Response(EVERY_BYTE), EVERY_BYTE],
    ["a text", () => new Response("\u00e9 \u20ac"), Buffer.from("\u00e9 \u20ac")],
  ])("has the same body as its Response with %s", async (_what, handle, body) => {
    await using server = await serve({ port: 0, ...(tls && { tls }), routes: { "/": handle } });
    const { port } = server;
    const socket = tls ? connectTls({ port, rejectUnauthorized: false }) : connect(port);
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    const received = await buffer(socket);
    expect(received.subarray(received.indexOf("\r\n\r\n") + 4).toString("hex")).toBe(
      Buffer.from(body).toString("hex"),
    );
  });

  it("has header values in Latin-1, also if its body begins later", async () => {
    const body = new TransformStream<Uint8Array, Uint8Array>();
    const headers = { "X-Name": "caf\u00e9" };
    await using server = await serve({
      port: 0,
      ...(tls && { tls }),
      routes: { "/": () => new Response(body.readable, { headers }) },
    });
    const { port } = server;
    const socket = tls ? connectTls({ port, rejectUnauthorized: false }) : connect(port);
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let received = "";
    socket.setEncoding("latin1").on("data", (text: string) => (received += text));
    await vi.waitFor(() => expect(received).toMatch(/\r\n\r\n$/));
    expect(received).toMatch(/^x-name: caf\u00e9\r$/im);
    await body.writable.close();
  });
});
