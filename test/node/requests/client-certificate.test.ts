import { X509Certificate } from "node:crypto";
import { request as requestHttps } from "node:https";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { type AuthorizeContext, type ClientCertificate, serve } from "tideway/server";
import { describe, expect, it, onTestFinished } from "vitest";
import { CERT, TLS } from "../../support/certificate.ts";
import { extendedConnect } from "../http2/support.ts";
import { handshake } from "../../support/clients.ts";

const MUTUAL = { ...TLS, requestCert: true };
const VERIFYING = { ...MUTUAL, ca: CERT };
const LENIENT = { ...MUTUAL, rejectUnauthorized: false };

type Observed = ClientCertificate | undefined;

/** The client certificate in authorize, a socket's handler and an HTTP handler. */
async function observedBy(
  version: string,
  tls: object,
  client: ConnectionOptions,
): Promise<Observed[]> {
  const observed: Observed[] = [];
  let onHandled!: () => void;
  const handled = new Promise<void>((resolve) => (onHandled = resolve));
  const server = await serve({
    host: "127.0.0.1",
    port: 0,
    tls,
    routes: {
      "/": (_request, { clientCertificate }) => {
        observed.push(clientCertificate);
        return new Response("ok");
      },
      "ws:/": {
        authorize: (_request: Request, { clientCertificate }: AuthorizeContext<object>) => {
          observed.push(clientCertificate);
          return {};
        },
        handle: (_socket, { clientCertificate }) => {
          observed.push(clientCertificate);
          onHandled();
        },
      },
    },
  });
  onTestFinished(async () => await server.stop({ timeoutMs: 1000 }));
  const options = { port: server.port, servername: "localhost", ca: CERT, ...client };
  if (version === "HTTP/2") {
    const socket = connectTls({ ...options, ALPNProtocols: ["h2"] });
    const session = connectHttp2(server.url, { createConnection: () => socket });
    session.on("error", () => {});
    await once(session, "remoteSettings");
    const page = session.request({ ":path": "/" });
    page.resume();
    await once(page, "end");
    extendedConnect(session, "/").on("error", () => {});
    await handled;
    socket.destroy();
    return observed;
  }
  const outgoing = requestHttps({ ...options, host: "127.0.0.1", agent: false });
  outgoing.end();
  const [response] = (await once(outgoing, "response")) as [NodeJS.ReadableStream];
  response.resume();
  await once(response, "end");
  const socket: TLSSocket = connectTls(options);
  socket.on("error", () => {});
  socket.write(handshake("/"));
  await handled;
  socket.destroy();
  return observed;
}

describe.each(["HTTP/1.1", "HTTP/2"])("clientCertificate over %s", (version) => {
  it("is the verified certificate of the client, in every context", async () => {
    const observed = await observedBy(version, VERIFYING, TLS);
    const expected = new X509Certificate(CERT);
    expect(observed).toHaveLength(3);
    for (const certificate of observed) {
      expect(certificate).toMatchObject({
        isVerified: true,
        verificationError: undefined,
        subject: expected.subject,
        issuer: expected.issuer,
        fingerprint256: expected.fingerprint256,
        serialNumber: expected.serialNumber,
      });
      expect(new X509Certificate(certificate!.raw).fingerprint256).toBe(expected.fingerprint256);
    }
  });

  it("is not verified if rejectUnauthorized is false and its issuer is unknown", async () => {
    for (const certificate of await observedBy(version, LENIENT, TLS)) {
      expect(certificate).toMatchObject({
        isVerified: false,
        verificationError: "DEPTH_ZERO_SELF_SIGNED_CERT",
      });
    }
  });

  it.each([
    ["shows none", LENIENT, {}],
    ["sends no certificate because the server requests none", TLS, TLS],
  ])("is undefined if the client %s", async (_, tls, client) => {
    expect(await observedBy(version, tls, client)).toEqual([undefined, undefined, undefined]);
  });
});

it("a resumed TLS session does not count as verified", async () => {
  const observed: Observed[] = [];
  const server = await serve({
    host: "127.0.0.1",
    port: 0,
    tls: LENIENT,
    http2: false,
    routes: {
      "/": (_request, { clientCertificate }) => {
        observed.push(clientCertificate);
        return new Response("ok");
      },
    },
  });
  onTestFinished(async () => await server.stop({ timeoutMs: 1000 }));
  const ask = async (session?: Buffer): Promise<Buffer | undefined> => {
    const socket = connectTls({
      port: server.port,
      ca: CERT,
      servername: "localhost",
      ...TLS,
      session,
    });
    let issued: Buffer | undefined;
    socket.on("session", (one) => (issued = one));
    await once(socket, "secureConnect");
    expect(socket.isSessionReused()).toBe(session !== undefined);
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    socket.resume();
    await once(socket, "close");
    return issued;
  };
  await ask(await ask());
  expect(observed).toHaveLength(2);
  for (const certificate of observed) expect(certificate?.isVerified ?? false).toBe(false);
});
