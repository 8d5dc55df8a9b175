import { once } from "node:events";
import { type AuthorizeContext, UsageError } from "tideway/server";
import { describe, expect, it, vi } from "vitest";
import { ResponseHeaders } from "../../../src/server/requests/response-headers.ts";
import { answerOf, extendedConnect, openSession, startTls } from "../../node/http2/support.ts";
import type { Routes } from "../../suite/transports.ts";
import { handshake, RawClient, statusOf } from "../../support/clients.ts";
import { SERVER_KINDS } from "../../support/server-kinds.ts";

type Authorize = (request: Request, context: AuthorizeContext<object>) => object | Promise<object>;

const onError = vi.fn<(error: unknown) => void>();

const routesWith = (authorize: Authorize): Routes => ({
  "ws:/": { authorize, handle: (socket: { close(): void }) => socket.close() },
});

describe.each(SERVER_KINDS)("responseHeaders of authorize, over $name,", ({ start }) => {
  const headOf = async (authorize: Authorize): Promise<string> => {
    onError.mockReset();
    await using server = await start(routesWith(authorize), { onError });
    const client = new RawClient(server).send(handshake("/"));
    const [head] = (await client.receives("\r\n\r\n")).split("\r\n\r\n");
    client.socket.destroy();
    return head;
  };
  const add = ({ responseHeaders }: AuthorizeContext<object>): void => {
    responseHeaders.append("Set-Cookie", "a=1; Path=/; HttpOnly");
    responseHeaders.append("Set-Cookie", "b=2");
    responseHeaders.set("X-Node", "7");
    responseHeaders.set("X-Latin", "\xe9");
  };

  it.each<[string, Authorize]>([
    ["sync", (_request, context) => (add(context), { user: "x" })],
    [
      "async",
      async (_request, context) => {
        await Promise.resolve();
        add(context);
        return { user: "x" };
      },
    ],
  ])("are sent with the 101, each Set-Cookie as a separate field (%s)", async (_, authorize) => {
    const head = await headOf(authorize);
    expect(statusOf(head)).toBe(101);
    expect(head.match(/^set-cookie: .*$/gim)).toEqual([
      "set-cookie: a=1; Path=/; HttpOnly",
      "set-cookie: b=2",
    ]);
    expect(head).toMatch(/^x-node: 7$/m);
    expect(head).toMatch(/^x-latin: \xe9$/m);
    expect(head.match(/^(?:upgrade|connection|sec-websocket-accept): /gim)).toHaveLength(3);
  });

  it("are not part of a refusing Response unless authorize copies them", async () => {
    const refused = await headOf((_request, context) => {
      add(context);
      return new Response("no", { status: 401 });
    });
    expect(statusOf(refused)).toBe(401);
    expect(refused).not.toMatch(/^(?:set-cookie|x-node):/im);
    const taking = await headOf((_request, context) => {
      add(context);
      return new Response("no", { status: 401, headers: context.responseHeaders });
    });
    expect(taking.match(/^set-cookie: /gim)).toHaveLength(2);
  });

  it("cannot be changed after authorize has decided", async () => {
    let kept!: Headers;
    const authorize: Authorize = (_request, { responseHeaders }) => {
      kept = responseHeaders;
      queueMicrotask(() => kept.set("X-Late", "1"));
      return {};
    };
    expect(await headOf(authorize)).not.toMatch(/x-late/i);
  });

  it.each([
    ["Connection", "close"],
    ["UPGRADE", "h2c"],
    ["Sec-WebSocket-Accept", "x"],
    ["sec-websocket-protocol", "x"],
    ["Sec-WebSocket-Extensions", "x"],
    ["Sec-WebSocket-Anything", "x"],
    ["Content-Length", "5"],
    ["Transfer-Encoding", "chunked"],
    ["Keep-Alive", "x"],
  ])("throw a UsageError for %s, which answers with 500", async (name, value) => {
    for (const method of ["append", "set"] as const) {
      let thrown: unknown;
      const head = await headOf((_request, { responseHeaders }) => {
        try {
          responseHeaders[method](name, value);
        } catch (error) {
          thrown = error;
          throw error;
        }
        return {};
      });
      expect(thrown).toBeInstanceOf(UsageError);
      expect(thrown).toMatchObject({ code: "RESERVED_HEADER" });
      expect(statusOf(head)).toBe(500);
      expect(onError).toHaveBeenCalledExactlyOnceWith(thrown, expect.anything());
    }
  });

  it.each<[string, Authorize]>([
    ["sync", (_request, { responseHeaders }) => sneak(responseHeaders)],
    ["async", async (_request, { responseHeaders }) => sneak(responseHeaders)],
  ])("cause a 500 for a field added without the checks (%s)", async (_, authorize) => {
    expect(statusOf(await headOf(authorize))).toBe(500);
    expect(onError.mock.calls[0][0]).toMatchObject({ code: "RESERVED_HEADER" });
  });

  it.each(["", "a b", "a:", "\u00e4"])("throw a UsageError for the name %j", (name) => {
    for (const method of ["append", "set"] as const) {
      expect(() => new ResponseHeaders()[method](name, "x")).toThrow(
        expect.objectContaining({ name: "UsageError", code: "INVALID_HEADER" }),
      );
    }
  });

  it.each(["a\r\nX-Injected: 1", "a\nb", "a\0b", "a\u0001b", "\u20ac"])(
    "throw a UsageError for %j, a value that no header field may have",
    async (value) => {
      const head = await headOf((_request, { responseHeaders }) => {
        responseHeaders.set("X-Value", value);
        return {};
      });
      expect(statusOf(head)).toBe(500);
      expect(head).not.toMatch(/injected/i);
      expect(onError).toHaveBeenCalledOnce();
    },
  );
});

function sneak(headers: Headers): object {
  Headers.prototype.set.call(headers, "Upgrade", "h2c");
  return {};
}

describe("responseHeaders over HTTP/2", () => {
  it("are sent with the 200, each Set-Cookie as a separate field", async () => {
    const server = await startTls({
      routes: routesWith((_request, { responseHeaders }) => {
        responseHeaders.append("Set-Cookie", "a=1");
        responseHeaders.append("Set-Cookie", "b=2");
        responseHeaders.append("X-List", "1");
        responseHeaders.append("X-List", "2");
        return {};
      }),
    });
    const stream = extendedConnect(await openSession(server), "/");
    const fields = await new Promise<Record<string, unknown>>((resolve) => {
      stream.on("response", (headers) => resolve(headers));
    });
    expect(fields).toMatchObject({
      ":status": 200,
      "set-cookie": ["a=1", "b=2"],
      "x-list": "1, 2",
    });
  });

  it("may have names that every object has, such as constructor", async () => {
    const server = await startTls({
      routes: routesWith((_request, { responseHeaders }) => {
        responseHeaders.set("constructor", "1");
        responseHeaders.set("__proto__", "2");
        return {};
      }),
    });
    const stream = extendedConnect(await openSession(server), "/");
    const fields = await new Promise<Record<string, unknown>>((resolve) => {
      stream.on("response", (headers) => resolve(headers));
    });
    expect(Object.entries(fields)).toContainEqual(["constructor", "1"]);
    expect(Object.entries(fields)).toContainEqual(["__proto__", "2"]);
  });

  it("of more than 32,768 bytes refuse one client and leave the others connected", async () => {
    onError.mockReset();
    let value = "";
    const server = await startTls({
      onError,
      routes: routesWith((_request, { responseHeaders }) => {
        responseHeaders.set("X-A", value);
        return {};
      }),
    });
    const session = await openSession(server);
    value = "a".repeat(32_765);
    const accepted = extendedConnect(session, "/");
    await once(accepted, "response");
    value = "a".repeat(100_000);
    expect((await answerOf(extendedConnect(session, "/"))).status).toBe(500);
    expect(onError.mock.calls[0][0]).toMatchObject({
      code: "INVALID_HEADER",
      message: expect.stringMatching(/100003 bytes, more than 32768/) as unknown,
    });
    expect(accepted.destroyed).toBe(false);
  });

  it("throw for a field that HTTP/2 forbids", async () => {
    const server = await startTls({
      onError,
      routes: routesWith((_request, { responseHeaders }) => sneak(responseHeaders)),
    });
    const answer = await answerOf(extendedConnect(await openSession(server), "/"));
    expect(answer.status).toBe(500);
  });
});
