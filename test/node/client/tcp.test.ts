import { connect as connectTcp, createServer } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { WebSocket } from "tideway";
import { describe, expect, it } from "vitest";
import { echo, outcomeOf, recordServerNames, serveSecurely } from "../../support/servers.ts";
import { CERT, TLS } from "../../support/certificate.ts";
import { listenOnLoopback } from "./loopback.ts";

describe("a connection to an unreachable server", () => {
  const refused = {
    events: ["error", "close"],
    code: 1006,
    reason: "",
    wasClean: false,
    readyState: 3,
  };

  it("fails when no server listens on its port", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const outcome = await outcomeOf(new WebSocket(`ws://127.0.0.1:${port}`));
    expect(outcome).toMatchObject(refused);
    expect(outcome.error).toMatchObject({
      name: "TransportError",
      cause: expect.objectContaining({ code: "ECONNREFUSED" }) as unknown,
    });
  });

  it("fails when its host name does not exist", async () => {
    const outcome = await outcomeOf(new WebSocket("ws://nobody.invalid/"));
    expect(outcome).toMatchObject(refused);
    expect(outcome.error).toMatchObject({ name: "TransportError" });
  });
});

describe("wss", () => {
  it("refuses a self-signed certificate", async () => {
    const outcome = await outcomeOf(new WebSocket(await serveSecurely()));
    expect(outcome).toMatchObject({ events: ["error", "close"], code: 1006, wasClean: false });
    expect(outcome.error).toMatchObject({
      cause: expect.objectContaining({ code: "DEPTH_ZERO_SELF_SIGNED_CERT" }) as unknown,
    });
  });

  it("accepts a self-signed certificate that is given as ca", async () => {
    const socket = new WebSocket(await serveSecurely(), { tls: { ca: CERT } });
    expect((await socket.onMessage.first).data).toBe("secure");
    socket.close();
    await socket.onClose.first;
  });

  it("sends the server name over TLS, but no IP address (RFC 6066 3)", async () => {
    const names: unknown[] = [];
    const server = createTlsServer(TLS, (socket) => {
      names.push((socket as TLSSocket & { servername?: unknown }).servername);
      socket.end();
    });
    const port = await listenOnLoopback(server);
    for (const host of ["localhost", "127.0.0.1"]) {
      const socket = new WebSocket(`wss://${host}:${port}/`, {
        tls: { rejectUnauthorized: false },
      });
      expect((await outcomeOf(socket)).error).toMatchObject({ code: "HANDSHAKE_CUT" });
    }
    expect(names).toEqual(["localhost", false]);
  });

  it("sends the server name over TLS without a trailing dot (RFC 6066 3)", async () => {
    const { url, names } = await recordServerNames();
    const port = Number(new URL(url).port);
    const socket = new WebSocket(`wss://localhost.:${port}/`, {
      tls: { ca: CERT },
      createConnection: () => connectTcp(port, "127.0.0.1"),
    });
    expect((await socket.onMessage.first).data).toBe("secure");
    expect(names).toEqual(["localhost"]);
    socket.close();
    await socket.onClose.first;
  });

  it("refuses a certificate for another host name", async () => {
    const url = await serveSecurely();
    const outcome = await outcomeOf(
      new WebSocket(url, { tls: { ca: CERT, servername: "example.com" } }),
    );
    expect(outcome.error).toMatchObject({
      cause: expect.objectContaining({ code: "ERR_TLS_CERT_ALTNAME_INVALID" }) as unknown,
    });
  });

  it("accepts any certificate with rejectUnauthorized: false", async () => {
    const socket = new WebSocket(await serveSecurely(), { tls: { rejectUnauthorized: false } });
    expect((await socket.onMessage.first).data).toBe("secure");
    socket.close();
    await socket.onClose.first;
  });

  it("fails against a server without TLS", async () => {
    const url = await echo();
    const outcome = await outcomeOf(new WebSocket(url.replace("ws:", "wss:")));
    expect(outcome).toMatchObject({ events: ["error", "close"], code: 1006 });
  });
});
