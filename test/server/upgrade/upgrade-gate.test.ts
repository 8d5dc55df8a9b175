import { UsageError } from "tideway/server";
import { describe, expect, it, vi } from "vitest";
import { refuse } from "../../../src/protocol/handshake/http-refusal.ts";
import { compileHostPolicy } from "../../../src/server/requests/host-policy.ts";
import type { Route } from "../../../src/server/routes/routes.ts";
import type {
  UpgradeAccepted,
  UpgradeDecision,
} from "../../../src/server/requests/upgrade-attempt.ts";
import { uncaughtErrorsOf } from "../../support/uncaught-errors.ts";
import { FakeConnection } from "../fake-connection.ts";
import {
  decide,
  FakeAttempt,
  type FakeServerEnvironment,
  gateOf,
  offering,
} from "../fake-upgrade.ts";

const handle = (): void => {};

function accepted(decision: UpgradeDecision): UpgradeAccepted {
  expect(decision.kind).toBe("accept");
  return decision as UpgradeAccepted;
}

describe("an accepted handshake", () => {
  it("gets the options of the route for its connection", async () => {
    const { decision } = await decide({ maxMessageBytes: 5, handle });
    expect(accepted(decision)).not.toHaveProperty("headers");
    expect(accepted(decision).connection).toMatchObject({
      role: "server",
      protocol: "",
      extensions: "",
      deflate: undefined,
      maxMessageBytes: 5,
    });
  });

  it("negotiates compression if the route enables it and the client offers it", async () => {
    const offer = {
      ...offering(),
      extensions: [{ name: "permessage-deflate", params: new Map() }],
    } as unknown as FakeAttempt["offer"];
    const on = await decide({ compression: true, handle }, { offer });
    expect(accepted(on.decision).connection.extensions).toMatch(/^permessage-deflate/);
    const off = await decide({ compression: false, handle }, { offer });
    expect(accepted(off.decision).connection.extensions).toBe("");
  });

  it("opens a socket in the server's group and runs the handler with its context", async () => {
    const handler = vi.fn<(socket: unknown, context: unknown) => void>();
    const { decision, environment } = await decide({
      authorize: () => ({ user: "ada" }),
      handle: handler,
    });
    const connection = new FakeConnection();
    const socket = accepted(decision).open(connection);
    expect([...environment.sockets]).toEqual([socket]);
    expect(handler).toHaveBeenCalledExactlyOnceWith(
      socket,
      expect.objectContaining({ params: {}, protocol: "chat", state: { user: "ada" } }),
    );
    const context = handler.mock.calls[0][1] as { request: Request; remoteAddress: string };
    expect(context.request).toBeInstanceOf(Request);
    expect(context.remoteAddress).toBe("192.0.2.1");
    connection.end();
    expect(environment.sockets.size).toBe(0);
  });
});

it("the gate reports whether a path has a route", () => {
  const { gate } = gateOf(handle);
  expect(gate.hasRoute("/")).toBe(true);
  expect(gate.hasRoute("/other")).toBe(false);
});

describe("a refused handshake", () => {
  const cases: ReadonlyArray<
    [
      string,
      Route,
      Partial<FakeAttempt>,
      Partial<FakeServerEnvironment>,
      { status: number; option?: string; headers?: object; route?: undefined },
    ]
  > = [
    [
      "for a host that is not in hosts",
      handle,
      { host: "example.com" },
      { isHostAllowed: compileHostPolicy(["localhost"], "serve") },
      { status: 421, option: "hosts", route: undefined },
    ],
    [
      "without a route",
      handle,
      { pathname: "/x" },
      {},
      { status: 404, option: "routes", route: undefined },
    ],
    [
      "that is malformed",
      handle,
      { offer: refuse(426, "old", { headers: { "Sec-WebSocket-Version": "13" } }) },
      {},
      { status: 426, headers: { "Sec-WebSocket-Version": "13" } },
    ],
    [
      "from another origin",
      handle,
      { origins: ["http://example.com"] },
      {},
      { status: 403, option: "origins", headers: { "X-Content-Type-Options": "nosniff" } },
    ],
    [
      "that offers no supported subprotocol",
      { protocols: ["chat"], handle },
      { offer: offering("other") },
      {},
      { status: 400, option: "protocols" },
    ],
    [
      "above maxConnections",
      handle,
      {},
      { maxConnections: 0 },
      { status: 503, option: "maxConnections", headers: { "Retry-After": "10" } },
    ],
    [
      "above maxPendingAuthorize",
      { authorize: () => ({}), handle },
      {},
      { maxPendingAuthorize: 0 },
      { status: 503, option: "maxPendingAuthorize", headers: { "Retry-After": "10" } },
    ],
  ];
  it.each(cases)(
    "%s gets a response with the reason and is reported once",
    async (_what, route, attempt, values, { status, option, headers = {}, ...rest }) => {
      const { decision, environment } = await decide(route, attempt, values);
      expect(decision).toMatchObject({ kind: "refuse", status, headers });
      expect(environment.refused).toEqual([
        expect.objectContaining({
          what: "handshake",
          by: "library",
          status,
          option,
          route: "route" in rest ? rest.route : "ws:/",
          remoteAddress: "192.0.2.1",
        }),
      ]);
      expect(environment.reported).toEqual([]);
    },
  );

  it("that cannot be read gets 400, and the error is reported", async () => {
    const error = new Error("no URL");
    const { gate, environment } = gateOf(handle);
    const attempt = new FakeAttempt();
    attempt.readOffer = () => {
      throw error;
    };
    expect(gate.decide(attempt)).toMatchObject({ kind: "refuse", status: 400 });
    expect(environment.reported).toEqual([{ error, context: {} }]);
    expect(environment.refused).toMatchObject([{ status: 400, option: undefined }]);
  });
});

it("the gate checks host, route, handshake, origin, subprotocol and limits in this order", async () => {
  const route: Route = { protocols: ["chat"], authorize: () => ({}), handle };
  const attempt: Partial<FakeAttempt> = {
    host: "example.com",
    pathname: "/x",
    offer: refuse(400, "bad"),
    origins: ["http://other.example"],
  };
  const values: Partial<FakeServerEnvironment> = {
    isHostAllowed: compileHostPolicy(["localhost"], "serve"),
    maxConnections: 0,
    maxPendingAuthorize: 0,
  };
  const options: unknown[] = [];
  const next = async (): Promise<void> => {
    const { decision } = await decide(route, attempt, values);
    options.push(decision.kind === "refuse" ? decision.option : decision.kind);
  };
  await next();
  attempt.host = "localhost";
  await next();
  attempt.pathname = "/";
  await next();
  attempt.offer = offering("other");
  await next();
  attempt.origins = [];
  await next();
  attempt.offer = offering("chat");
  await next();
  values.maxConnections = 1;
  await next();
  values.maxPendingAuthorize = 1;
  await next();
  expect(options).toEqual([
    "hosts",
    "routes",
    undefined,
    "origins",
    "protocols",
    "maxConnections",
    "maxPendingAuthorize",
    "accept",
  ]);
});

describe("the callbacks of a route", () => {
  it("choose the subprotocol", async () => {
    const { decision } = await decide(
      { protocols: (offered: readonly string[]) => offered[1], handle },
      { offer: offering("a", "b") },
    );
    expect(accepted(decision).connection.protocol).toBe("b");
  });

  it("run in the asynchronous context of the server", async () => {
    let depth = 0;
    const depths: Record<string, number> = {};
    const note = (name: string): void => void (depths[name] = depth);
    const runInAsyncContext: FakeServerEnvironment["runInAsyncContext"] = (callback) => {
      depth++;
      try {
        return callback();
      } finally {
        depth--;
      }
    };
    const { decision } = await decide(
      {
        origins: () => (note("origins"), true),
        protocols: () => (note("protocols"), ""),
        authorize: () => (note("authorize"), {}),
        handle: () => note("handle"),
      },
      { origins: ["http://localhost"] },
      { runInAsyncContext },
    );
    accepted(decision).open(new FakeConnection());
    expect(depths).toEqual({ origins: 1, protocols: 1, authorize: 1, handle: 1 });
  });

  it.each([
    ["origins", 403, "origins"],
    ["protocols", 500, undefined],
    ["authorize", 500, undefined],
  ])("that throw in %s answer with %d and are reported", async (name, status, option) => {
    const error = new Error("bug");
    const route = {
      [name]: () => {
        throw error;
      },
      handle,
    } as unknown as Route;
    const { decision, environment } = await decide(route, { origins: ["http://localhost"] });
    expect(decision).toMatchObject({ kind: "refuse", status });
    expect(environment.refused).toMatchObject([{ status, option, route: "ws:/" }]);
    expect(environment.reported).toEqual([
      { error, context: { route: "ws:/", request: expect.any(Request) } },
    ]);
  });

  it.each([
    ["origins", 403, "INVALID_ORIGIN"],
    ["protocols", 500, "INVALID_SUBPROTOCOL"],
  ])(
    "that reject in %s answer with %d and leave no rejection unhandled",
    async (name, status, code) => {
      const route = { [name]: () => Promise.reject(new Error("bug")), handle } as unknown as Route;
      let decided: Awaited<ReturnType<typeof decide>> | undefined;
      const errors = await uncaughtErrorsOf(async () => {
        decided = await decide(route, { origins: ["http://localhost"] });
      });
      expect(decided?.decision).toMatchObject({ kind: "refuse", status });
      expect(decided?.environment.reported).toMatchObject([{ error: { code } }]);
      expect(errors).toEqual([]);
    },
  );

  it("that return invalid values are reported once a minute", async () => {
    const { gate, environment } = gateOf({ authorize: (() => true) as never, handle });
    const statuses = [0, 1].map(() => gate.decide(new FakeAttempt()));
    expect(statuses).toMatchObject([{ status: 500 }, { status: 500 }]);
    expect(environment.reported).toMatchObject([{ error: { code: "INVALID_AUTHORIZATION" } }]);
    expect(environment.refused).toHaveLength(2);
    environment.clock.advance(60_000);
    void gate.decide(new FakeAttempt());
    expect(environment.reported).toHaveLength(2);
    expect(environment.reported[1].error).toBeInstanceOf(UsageError);
  });
});

describe.each([
  ["sync", <T>(value: T): T | Promise<T> => value],
  ["async", <T>(value: T): T | Promise<T> => Promise.resolve(value)],
])("the result of a %s authorize", (kind, wrap) => {
  it("lets the client in with its response headers", async () => {
    const { gate } = gateOf({
      authorize: (_request: Request, { responseHeaders }) => {
        responseHeaders.append("Set-Cookie", "a=1");
        return wrap({});
      },
      handle,
    });
    const decision = gate.decide(new FakeAttempt());
    expect(decision instanceof Promise).toBe(kind === "async");
    expect(accepted(await decision).headers).toEqual([["set-cookie", "a=1"]]);
  });

  it("refuses the client with a Response and reports it as a decision of the application", async () => {
    const response = new Response("no", { status: 401 });
    const { decision, environment } = await decide({ authorize: () => wrap(response), handle });
    expect(decision).toMatchObject({ kind: "answer", response });
    expect(environment.refused).toMatchObject([
      { by: "application", status: 401, option: "authorize", route: "ws:/" },
    ]);
    expect(environment.reported).toEqual([]);
  });

  it("reports a Response that cannot be sent with its route and request", async () => {
    const response = new Response("no", { status: 401 });
    const { decision, environment } = await decide({ authorize: () => wrap(response), handle });
    if (decision.kind !== "answer") throw new Error("not answered");
    const error = new Error("the body failed");
    decision.onFailure(error);
    expect(environment.reported).toEqual([
      { error, context: { route: "ws:/", request: expect.any(Request) } },
    ]);
  });

  it("refuses the client when it is an Error, and reports it", async () => {
    const error = new Error("no database");
    const { decision, environment } = await decide({ authorize: () => wrap(error), handle });
    expect(decision).toMatchObject({ kind: "refuse", status: 500, message: "The server failed." });
    expect(environment.reported).toMatchObject([{ error, context: { route: "ws:/" } }]);
    expect(environment.refused).toMatchObject([{ by: "library", status: 500 }]);
  });
});
