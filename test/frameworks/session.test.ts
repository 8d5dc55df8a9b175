import type { IncomingMessage, ServerResponse } from "node:http";
import session from "express-session";
import {
  type AuthorizeContext,
  type Middleware,
  type Socket,
  withMiddleware,
} from "tideway/server";
import { describe, expect, it, vi } from "vitest";
import { handshake, RawClient, statusOf } from "../support/clients.ts";
import { SERVER_KINDS, type StartedServer } from "../support/server-kinds.ts";
import type { Routes } from "../suite/transports.ts";

declare module "express-session" {
  interface SessionData {
    user: string;
    visits: number;
  }
}

type Context = AuthorizeContext<object>;

const say = (socket: Socket, { state }: { state: unknown }): void => {
  socket.send(`${JSON.stringify(state)}|`);
};

const onError = vi.fn<(error: unknown) => void>();

/** Requests a WebSocket with these fields. Returns the response and the first message. */
async function ask(server: StartedServer, fields: Record<string, string> = {}): Promise<string> {
  const client = new RawClient(server).send(handshake("/", fields));
  const head = await client.receives("\r\n\r\n");
  const all = statusOf(head) === 101 ? await client.receives("|") : await client.closed();
  client.socket.destroy();
  return all;
}

const cookieIn = (answer: string): string => /^set-cookie: ([^;]*)/im.exec(answer)![1];

describe.each(SERVER_KINDS)("express-session in authorize, over $name,", ({ start }) => {
  const routesWith = (
    store: session.Store,
    options: Partial<session.SessionOptions> = {},
  ): Routes => {
    const middleware = session({
      secret: "test",
      resave: false,
      saveUninitialized: false,
      store,
      ...options,
    });
    return {
      "ws:/": {
        authorize: (request: Request, context: Context) =>
          withMiddleware(middleware, request, context, (nodeRequest) => {
            const { session: data } = nodeRequest;
            const { searchParams } = context.url;
            if (searchParams.has("refuse")) return new Response("no", { status: 401 });
            data.visits = (data.visits ?? 0) + 1;
            return { user: data.user ?? "nobody", visits: data.visits };
          }),
        handle: say,
      },
    };
  };

  it("reads the session of a cookie, changes it and sets a cookie on the 101", async () => {
    const store = new session.MemoryStore();
    await using server = await start(routesWith(store));
    const first = await ask(server);
    expect(statusOf(first)).toBe(101);
    expect(first).toContain('{"user":"nobody","visits":1}');
    expect(first).toMatch(/^set-cookie: connect\.sid=[^;]+; Path=\/; HttpOnly\r$/im);
    const second = await ask(server, { Cookie: cookieIn(first) });
    expect(second).toContain('{"user":"nobody","visits":2}');
    const third = await ask(server, { Cookie: cookieIn(first) });
    expect(third).toContain('"visits":3');
    expect(third).not.toMatch(/^set-cookie:/im);
    const forged = await ask(server, { Cookie: "connect.sid=s%3Aforged.x" });
    expect(forged).toContain('"visits":1');
  });

  it("sets a secure cookie only if the client's URL is https", async () => {
    const routes = routesWith(new session.MemoryStore(), { cookie: { secure: true } });
    await using server = await start(routes, { trustProxy: 1 });
    expect(await ask(server)).not.toMatch(/^set-cookie:/im);
    const secure = await ask(server, {
      "X-Forwarded-For": "192.0.2.1",
      "X-Forwarded-Proto": "https",
    });
    expect(secure).toMatch(/^set-cookie: .*; Secure/im);
  });

  it("answers 500 without a cookie if the session cannot be saved", async () => {
    onError.mockReset();
    const store = new session.MemoryStore();
    const failure = new Error("the store is down");
    store.set = (_id, _data, callback) => callback?.(failure);
    await using server = await start(routesWith(store), { onError });
    const answer = await ask(server);
    expect(statusOf(answer)).toBe(500);
    expect(answer).not.toMatch(/^set-cookie:/im);
    expect(onError).toHaveBeenCalledWith(failure, expect.anything());
  });

  it("answers 500 if the session cannot be read", async () => {
    onError.mockReset();
    const store = new session.MemoryStore();
    await using server = await start(routesWith(store), { onError });
    const cookie = cookieIn(await ask(server));
    store.get = (_id, callback) => callback(new Error("the store is down"));
    expect(statusOf(await ask(server, { Cookie: cookie }))).toBe(500);
    expect(onError).toHaveBeenCalledOnce();
  });
});

describe.each(SERVER_KINDS)("withMiddleware, over $name,", ({ start }) => {
  const askThrough = async (
    middleware: Middleware<IncomingMessage> | Array<Middleware<IncomingMessage>>,
    decide: (request: IncomingMessage) => unknown = () => ({}),
  ): Promise<string> => {
    onError.mockReset();
    const routes = {
      "ws:/": {
        authorize: (request: Request, context: Context) =>
          withMiddleware(middleware, request, context, decide),
        handle: say,
      },
    } as Routes;
    await using server = await start(routes, { onError });
    return await ask(server, { Cookie: "a=1", "X-Test": "2" });
  };
  type Response = ServerResponse;
  type Next = (error?: unknown) => void;

  it("runs several middlewares in order with the request", async () => {
    const observed: unknown[] = [];
    const answer = await askThrough(
      [
        (request, response: Response, next: Next) => {
          observed.push(
            request.method,
            request.url,
            request.headers["x-test"],
            request.headers.cookie,
          );
          response.setHeader("X-One", "1");
          next();
        },
        async (request, response: Response, next: Next) => {
          await Promise.resolve();
          observed.push("encrypted" in request.socket && request.socket.encrypted);
          response.appendHeader("Set-Cookie", "a=1");
          response.appendHeader("Set-Cookie", "b=2");
          response.setHeader("Connection", "close");
          response.setHeader("Content-Length", "5");
          next();
        },
      ],
      () => ({ ok: true }),
    );
    expect(observed).toEqual(["GET", "/", "2", "a=1", false]);
    expect(answer).toContain('{"ok":true}');
    expect(answer.match(/^(?:set-cookie|x-one|connection): .*$/gim)).toHaveLength(4);
    expect(answer).toMatch(/^connection: upgrade\r$/im);
    expect(answer).not.toMatch(/^content-length:/im);
  });

  it("sends the response of middleware without calling decide", async () => {
    const decide = vi.fn(() => ({}));
    const answer = await askThrough((_request, response: Response) => {
      response.writeHead(401, "Who", { "WWW-Authenticate": "Basic", "Set-Cookie": ["a=1", "b=2"] });
      response.write("who ");
      response.end(Buffer.from("are you?"));
    }, decide);
    expect(statusOf(answer)).toBe(401);
    expect(answer).toMatch(/^www-authenticate: Basic\r$/im);
    expect(answer.match(/^set-cookie: /gim)).toHaveLength(2);
    expect(answer).toContain("who are you?");
    expect(decide).not.toHaveBeenCalled();
  });

  it("sends the header fields of middleware with a refusing Response", async () => {
    const answer = await askThrough(
      (_request, response: Response, next: Next) => {
        response.setHeader("Set-Cookie", "a=1");
        response.setHeader("Content-Type", "text/html");
        next();
      },
      () => new globalThis.Response("no", { status: 403, headers: { "Set-Cookie": "b=2" } }),
    );
    expect(statusOf(answer)).toBe(403);
    expect(answer.match(/^set-cookie: .*$/gim)).toEqual(["set-cookie: b=2", "set-cookie: a=1"]);
    expect(answer).toMatch(/^content-type: text\/plain/im);
  });

  it.each<[string, Middleware<IncomingMessage>]>([
    ["passes an error to next", (_request, _response, next) => next(new Error("x"))],
    [
      "throws",
      () => {
        throw new Error("x");
      },
    ],
    ["rejects", () => Promise.reject(new Error("x"))],
  ])("answers 500 if middleware %s", async (_, middleware) => {
    expect(statusOf(await askThrough(middleware))).toBe(500);
    expect(onError).toHaveBeenCalledOnce();
    expect(onError.mock.calls[0][0]).toMatchObject({ message: "x" });
  });

  it.each([[undefined], [{}], ["x"]])("answers 500 for %o as middleware", async (middleware) => {
    expect(statusOf(await askThrough(middleware as never))).toBe(500);
    expect(onError.mock.calls[0][0]).toMatchObject({ code: "INVALID_OPTION" });
  });
});
