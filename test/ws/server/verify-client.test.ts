import { once } from "node:events";
import { createServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import type { ServerOptions } from "../../../src/ws/server-options.ts";
import { WebSocketServer } from "../../../src/ws/web-socket-server.ts";
import { TLS } from "../../support/certificate.ts";
import { statusOf } from "../../support/clients.ts";
import { uncaughtErrorsOf } from "../../support/uncaught-errors.ts";
import { ask, closeAfterTest, connectRaw, fieldOf, startServer, statusAndBody } from "./support.ts";

/** The status of a handshake with a server that has this option. */
async function statusWith(verifyClient: ServerOptions["verifyClient"]): Promise<number> {
  return statusOf(await ask(await startServer({ verifyClient })));
}

/** A value that only an application in JavaScript returns. */
function returning(value: unknown): () => boolean {
  return () => value as boolean;
}

describe("a verifyClient that returns its decision", () => {
  it("accepts a handshake with a truthy value", async () => {
    expect(await statusWith(() => true)).toBe(101);
    expect(await statusWith(returning("a token"))).toBe(101);
  });

  it.each([false, undefined, null, 0, "", new Error("no")])(
    "refuses a handshake with %o",
    async (value) => {
      expect(await statusWith(returning(value))).toBe(401);
    },
  );

  it("may return a promise, which is awaited", async () => {
    expect(await statusWith(async () => true)).toBe(101);
    expect(await statusWith(async () => false)).toBe(401);
  });

  it("answers 500 if it throws, and does not hide the error", async () => {
    const error = new Error("the database is down");
    const verifyClient = (): boolean => {
      throw error;
    };
    const server = await startServer({ verifyClient });
    let response = "";
    const uncaught = await uncaughtErrorsOf(async () => {
      response = await ask(server);
    });
    expect(statusOf(response)).toBe(500);
    expect(uncaught).toEqual([error]);
  });

  it("answers 500 if its promise rejects", async () => {
    expect(await statusWith(() => Promise.reject(new Error("the database is down")))).toBe(500);
  });

  it("reports the rejection to listeners of wsClientError", async () => {
    const cause = new Error("the database is down");
    const server = await startServer({ verifyClient: () => Promise.reject(cause) });
    const reported = new Promise<Error>((resolve) => {
      server.on("wsClientError", (error, socket) => {
        socket.destroy();
        resolve(error);
      });
    });
    connectRaw(server);
    expect((await reported).cause).toBe(cause);
  });

  it("gets the origin, the request and whether the connection is encrypted", async () => {
    const infos: unknown[] = [];
    const verifyClient: ServerOptions["verifyClient"] = ({ origin, secure, req }) => {
      infos.push([origin, secure, req.url]);
      return true;
    };
    const server = await startServer({ verifyClient });
    await ask(server, { Origin: "https://a.example" }, "GET /x?y HTTP/1.1");
    // In drafts with version 8, the header has another name.
    const draft = { "Sec-WebSocket-Version": "8", "Sec-WebSocket-Origin": "https://b.example" };
    await ask(server, { ...draft, Origin: "https://a.example" });
    await ask(server);
    expect(infos).toEqual([
      ["https://a.example", false, "/x?y"],
      ["https://b.example", false, "/"],
      [undefined, false, "/"],
    ]);
  });
});

describe("a verifyClient that calls back", () => {
  it("accepts a handshake at once or later", async () => {
    expect(await statusWith((_info, callback) => callback(true))).toBe(101);
    expect(await statusWith((_info, callback) => void setImmediate(callback, true))).toBe(101);
  });

  it("refuses with 401 by default, or with its own response", async () => {
    expect(await statusWith((_info, callback) => callback(false))).toBe(401);
    const server = await startServer({
      verifyClient: (_info, callback) => {
        callback(false, 403, "not today", { "Retry-After": 120, "Set-Cookie": ["a=1", "b=2"] });
      },
    });
    const response = await ask(server);
    expect(statusAndBody(response)).toEqual(["403 Forbidden", "not today"]);
    expect(fieldOf(response, "retry-after")).toBe("120");
    expect(response).toContain("Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n");
  });

  it("may pass null for no headers, as in JavaScript", async () => {
    const headers = null as unknown as undefined;
    const status = await statusWith((_info, callback) => callback(false, 403, "no", headers));
    expect(status).toBe(403);
  });

  it("sends its body in UTF-8, and its own Content-Type", async () => {
    const server = await startServer({
      verifyClient: (_info, callback) =>
        callback(false, 403, "né", { "content-type": "text/plain" }),
    });
    const response = await ask(server);
    expect(fieldOf(response, "content-length")).toBe("3");
    expect(fieldOf(response, "content-type")).toBe("text/plain");
    expect(statusAndBody(response)[1]).toBe("n\xc3\xa9");
  });

  it("answers 500 if it is async and rejects without calling back", async () => {
    const verifyClient = async (_info: unknown, _callback: unknown): Promise<void> => {
      throw new Error("the database is down");
    };
    expect(await statusWith(verifyClient)).toBe(500);
  });

  it("ignores calls after the first", async () => {
    const acceptedFirst: ServerOptions["verifyClient"] = (_info, callback) => {
      callback(true);
      callback(false);
      callback(true);
    };
    const refusedFirst: ServerOptions["verifyClient"] = (_info, callback) => {
      callback(false);
      callback(true);
    };
    expect(await statusWith(acceptedFirst)).toBe(101);
    expect(await statusWith(refusedFirst)).toBe(401);
  });

  it.each<[string, number, Record<string, string>]>([
    ["a status that HTTP does not have", 999, {}],
    ["a header with a line break", 401, { "X-Reason": "a\r\nSet-Cookie: b=1" }],
    ["a header name with a space", 401, { "X Reason": "a" }],
  ])("answers 500 instead of %s", async (_name, code, headers) => {
    const response = await ask(
      await startServer({ verifyClient: (_info, callback) => callback(false, code, "", headers) }),
    );
    expect(statusOf(response)).toBe(500);
    expect(response).not.toContain("Set-Cookie");
  });

  it("does not open a WebSocket if the client disconnects before the decision", async () => {
    const left = new Promise<void>((resolve) => {
      void startServer({
        verifyClient: ({ req }, callback) => {
          req.socket.on("end", () => {
            callback(true);
            resolve();
          });
        },
      }).then((server) => {
        server.on("connection", () => expect.fail("the handshake was completed"));
        connectRaw(server).socket.end();
      });
    });
    await left;
  });
});

it("says that a request over TLS is secure", async () => {
  const httpsServer = createServer(TLS).listen(0, "127.0.0.1");
  await once(httpsServer, "listening");
  const isSecure = new Promise<boolean>((resolve) => {
    const server = new WebSocketServer({
      server: httpsServer,
      verifyClient: ({ secure }) => {
        resolve(secure);
        return false;
      },
    });
    closeAfterTest(server);
  });
  const { port } = httpsServer.address() as AddressInfo;
  const headers = {
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": 13,
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  };
  const client = request({ port, host: "127.0.0.1", headers, rejectUnauthorized: false });
  client.on("response", (response) => response.resume()).end();
  expect(await isSecure).toBe(true);
  httpsServer.close();
});
