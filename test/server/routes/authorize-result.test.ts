import { runInNewContext } from "node:vm";
import { type ErrorContext, type RefusalReport, UsageError } from "tideway/server";
import { afterEach, describe, expect, it, vi } from "vitest";
import { readAuthorization } from "../../../src/server/routes/authorize-result.ts";
import { answerOf, extendedConnect, openSession, startTls } from "../../node/http2/support.ts";
import type { Routes } from "../../suite/transports.ts";
import { handshake, RawClient, statusOf } from "../../support/clients.ts";
import { SERVER_KINDS } from "../../support/server-kinds.ts";
import { HOSTILE_VALUES, throwingThen, throwingThenable } from "../../support/hostile-values.ts";
import { movableClock } from "../../support/movable-clock.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

/** Like the classes of undici and node-fetch, which are not global. */
class ForeignResponse {
  readonly status = 401;
  readonly headers = new Headers();
  readonly ok = false;
  get [Symbol.toStringTag](): string {
    return "Response";
  }
}

class User {
  readonly #name = "me";
  get name(): string {
    return this.#name;
  }
}

/** Invalid results of `authorize`. */
const MISTAKES: ReadonlyArray<readonly [string, () => unknown]> = [
  ["true", () => true],
  ["false", () => false],
  ["undefined", () => undefined],
  ["null", () => null],
  ["0", () => 0],
  ["a number", () => 401],
  ["a bigint", () => 1n],
  ["a string", () => "user"],
  ["the empty string", () => ""],
  ["a symbol", () => Symbol("user")],
  ["an array", () => ["user"]],
  ["a function", () => () => ({})],
  ["a Response of another library", () => new ForeignResponse()],
  ["a Boolean object", () => new Boolean(true)],
  ["a Number object of another realm", () => runInNewContext("new Number(1)") as unknown],
  ["a String object", () => new String("user")],
  ["a Symbol object", () => Object(Symbol("user")) as unknown],
  ["a BigInt object", () => Object(1n) as unknown],
  ["a Response whose body is locked to a reader", lockedResponse],
  ["a record with the status and headers of a Response", () => ({ status: 200, headers: {} })],
  [
    "an object that only inherits from Response.prototype",
    () => Object.create(Response.prototype) as unknown,
  ],
];

const STATES: ReadonlyArray<readonly [string, () => object]> = [
  ["a record", () => ({ user: "me" })],
  ["an empty record", () => ({})],
  ["an instance of a class", () => new User()],
  ["a Map", () => new Map()],
  ["an object without a prototype", () => Object.create(null) as object],
  ["an object of another realm", () => runInNewContext("({})") as object],
  ["a record with a status", () => ({ status: 5 })],
];

const ERRORS: ReadonlyArray<readonly [string, () => unknown]> = [
  ["an Error", () => new Error("x")],
  ["an Error of another realm", () => runInNewContext("new TypeError('x')") as unknown],
  [
    "an Error with a status and headers",
    () => Object.assign(new Error("x"), { status: 401, headers: {} }),
  ],
  ["an Error without a prototype", () => Object.setPrototypeOf(new Error("x"), null) as unknown],
  ["a DOMException", () => new DOMException("x", "AbortError")],
  ["an Error subclass of another realm with its own name", foreignException],
];

function lockedResponse(): Response {
  const response = new Response("no", { status: 401 });
  response.body!.getReader();
  return response;
}

async function usedResponse(): Promise<Response> {
  const response = new Response("no", { status: 401 });
  await response.text();
  return response;
}

/** Like the DOMException of a jsdom window. */
function foreignException(): unknown {
  const code = "class X extends Error { get [Symbol.toStringTag]() { return 'X'; } } new X('x')";
  return runInNewContext(code);
}

const WAYS: ReadonlyArray<readonly [string, (value: unknown) => unknown]> = [
  ["returns", (value) => value],
  ["resolves with", (value) => Promise.resolve(value)],
];

describe.each(SERVER_KINDS)("authorize, over $name,", ({ start }) => {
  const handle = vi.fn<(socket: unknown, context: { state: unknown }) => void>();
  const onError = vi.fn<(error: unknown, context: ErrorContext) => void>();
  const onRefused = vi.fn<(report: RefusalReport) => void>();
  const options = { onError, onRefused };

  afterEach(() => {
    handle.mockReset();
    onError.mockReset();
    onRefused.mockReset();
  });

  const routesFor = (authorize: () => unknown): Routes =>
    ({ "ws:/": { authorize, handle } }) as Routes;

  describe.each(WAYS)("that %s", (_how, way) => {
    it.each(STATES)("%s lets the client in", async (_what, make) => {
      const state = make();
      await using server = await start(
        routesFor(() => way(state)),
        options,
      );
      const client = new RawClient(server).send(handshake("/"));
      expect(statusOf(await client.receives("\r\n\r\n"))).toBe(101);
      expect(handle.mock.calls[0][1].state).toBe(state);
      client.socket.destroy();
    });

    it.each(MISTAKES)("%s is answered with 500 and reported once a minute", async (_what, make) => {
      const move = movableClock();
      await using server = await start(
        routesFor(() => way(make())),
        options,
      );
      for (const _again of [1, 2]) {
        const answer = await new RawClient(server).send(handshake("/")).closed();
        expect(statusOf(answer)).toBe(500);
        expect(answer).toMatch(/The server failed\.$/);
      }
      expect(handle).not.toHaveBeenCalled();
      expect(server.sockets.size).toBe(0);
      expect(onError).toHaveBeenCalledOnce();
      const [error, context] = onError.mock.calls[0];
      expect(error).toBeInstanceOf(UsageError);
      expect(error).toMatchObject({ code: "INVALID_AUTHORIZATION" });
      expect((error as Error).message).toMatch(/"ws:\/" returned .* return an object.* a Response/);
      expect(context.route).toBe("ws:/");
      expect(onRefused).toHaveBeenCalledTimes(2);
      move(60_001);
      await new RawClient(server).send(handshake("/")).closed();
      expect(onError).toHaveBeenCalledTimes(2);
    });

    it.each(ERRORS)("%s is answered with 500 and reported each time", async (_what, make) => {
      const error = make();
      await using server = await start(
        routesFor(() => way(error)),
        options,
      );
      for (const _again of [1, 2]) {
        const answer = await new RawClient(server).send(handshake("/")).closed();
        expect(statusOf(answer)).toBe(500);
      }
      expect(handle).not.toHaveBeenCalled();
      expect(onError.mock.calls.map(([reported]) => reported)).toEqual([error, error]);
      expect(onError.mock.calls[0][0]).toBe(error);
    });
  });

  describe.each<[string, (make: () => unknown) => unknown]>([
    [
      "throws",
      (make) => {
        throw make();
      },
    ],
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- not an Error on purpose
    ["rejects with", (make) => Promise.reject(make())],
  ])("that %s", (_how, fail) => {
    it.each(HOSTILE_VALUES)(
      "%s is reported and answered like other errors",
      async (_what, make) => {
        await using server = await start(
          routesFor(() => fail(make)),
          options,
        );
        const answer = await new RawClient(server).send(handshake("/")).closed();
        expect(statusOf(answer)).toBe(500);
        expect(onError).toHaveBeenCalledOnce();
        expect(onRefused).toHaveBeenCalledOnce();
        expect(handle).not.toHaveBeenCalled();
      },
    );
  });

  it.each([
    ["a thenable that throws", throwingThenable],
    ["an object whose then cannot be read", throwingThen],
  ])("that returns %s answers with 500", async (_what, make) => {
    await using server = await start(routesFor(make), options);
    const answer = await new RawClient(server).send(handshake("/")).closed();
    expect(statusOf(answer)).toBe(500);
    expect(onError).toHaveBeenCalledOnce();
  });

  it("limits the reports of each route separately", async () => {
    const both = {
      "ws:/a": { authorize: () => 1, handle },
      "ws:/b": { authorize: () => 2, handle },
    };
    await using server = await start(both as unknown as Routes, options);
    for (const path of ["/a", "/b", "/a", "/b"]) {
      await new RawClient(server).send(handshake(path)).closed();
    }
    expect(onError.mock.calls.map(([, { route }]) => route)).toEqual(["ws:/a", "ws:/b"]);
  });
});

it("an invalid result of authorize refuses the client over HTTP/2", async () => {
  const onError = vi.fn<(error: unknown) => void>();
  const handle = vi.fn<() => void>();
  const routes = Object.fromEntries(
    MISTAKES.map(([, make], index) => [`ws:/${index}`, { authorize: make, handle }]),
  ) as unknown as Routes;
  const server = await startTls({ onError, onRefused: () => {}, routes });
  const session = await openSession(server);
  for (const index of MISTAKES.keys()) {
    expect(await answerOf(extendedConnect(session, `/${index}`))).toMatchObject({ status: 500 });
  }
  expect(handle).not.toHaveBeenCalled();
  expect(onError).toHaveBeenCalledTimes(MISTAKES.length);
});

it.each<[unknown, string]>([
  [undefined, "undefined"],
  [null, "null"],
  [true, "true"],
  [401, "a number"],
  [["user"], "an array"],
  [new String("user"), "an object that wraps a string"],
  [
    new ForeignResponse(),
    "an object with a status and headers that is not a Response of this runtime",
  ],
  [Response.error(), "a Response.error(), which cannot be sent"],
  [await usedResponse(), "a Response with a body that has been used"],
  [lockedResponse(), "a Response with a body that has a reader"],
])(
  "an error names the value that authorize returned instead of an object or a Response: %o",
  (result, name) => {
    expect(readAuthorization(result, "ws:/")).toMatchObject({
      kind: "fail",
      error: {
        code: "INVALID_AUTHORIZATION",
        message: `authorize of the route "ws:/" returned ${name}; return an object to accept the client, which becomes the handler's state, or a Response to refuse it`,
      },
    });
  },
);

it("an error has a cause only if the properties of the object cannot be read", () => {
  const cause = new Error("x");
  const hostile = Object.defineProperty({}, "status", {
    get: () => {
      throw cause;
    },
  });
  const { error } = readAuthorization(hostile, "ws:/") as { error: Error };
  expect(error.cause).toBe(cause);
  const { error: other } = readAuthorization(true, "ws:/") as { error: Error };
  expect("cause" in other).toBe(false);
});

it("authorize may return a Response of the runtime after a framework has replaced the global class", () => {
  const Native = Response;
  // oxlint-disable-next-line typescript/no-extraneous-class -- as frameworks do
  class Replacement {
    static readonly error = (): Response => Native.error();
  }
  Object.setPrototypeOf(Replacement.prototype, Native.prototype);
  vi.stubGlobal("Response", Replacement);
  expect(readAuthorization(new Native(null, { status: 401 }), "ws:/").kind).toBe("answer");
});
