import { createServer } from "node:http";
import { attach, serve } from "tideway/server";
import { expect, it } from "vitest";

const handle = (): void => {};

it.each([
  [
    "verifyClient",
    "set authorize on a route instead; return an object to accept the client, or a Response to refuse it",
  ],
  ["cors", "pass origins instead"],
  ["handleProtocols", "set protocols on a route instead"],
  ["maxHttpBufferSize", "pass maxMessageBytes instead"],
  ["maxPayload", "pass maxMessageBytes instead"],
  ["origin", "pass origins instead"],
  ["perMessageDeflate", "pass compression instead"],
  ["server", "call attach(httpServer, { routes }) instead"],
  ["noServer", "call attach(httpServer, { routes }) instead"],
  ["pingInterval", "pass heartbeat: { idleMs } instead"],
  ["pingTimeout", "pass heartbeat: { timeoutMs } instead"],
  ["authorize", "set it on a route, next to handle"],
  ["protocols", "set it on a route, next to handle"],
  ["schema", "set it on a route, next to handle"],
])("serve names the alternative to %s: %s", async (name, advice) => {
  const message = `serve: there is no option ${name}; ${advice}`;
  await expect(serve({ routes: { "ws:/": handle }, [name]: true })).rejects.toMatchObject({
    name: "UsageError",
    code: "INVALID_OPTION",
    message,
  });
});

it.each(["backlog", "host", "http2", "path", "port", "tls"])(
  "attach names the alternative to %s",
  (name) => {
    const message = `attach: there is no option ${name}; pass it to serve, or to the HTTP server`;
    expect(() => attach(createServer(), { routes: {}, [name]: true })).toThrow(message);
  },
);

it("a route names the alternative to an option of ws", async () => {
  const options = { routes: { "ws:/": { handle, verifyClient: () => true } as never } };
  await expect(serve(options)).rejects.toThrow(
    'the route "ws:/": there is no option verifyClient; set authorize on a route',
  );
});

it("an unknown option of heartbeat is named with the server or the route that has it", async () => {
  const heartbeat = { idle: 5 } as {};
  await expect(serve({ routes: {}, heartbeat })).rejects.toThrow(
    "serve: there is no option heartbeat.idle",
  );
  await expect(serve({ routes: { "ws:/": { handle, heartbeat } } })).rejects.toThrow(
    'the route "ws:/": there is no option heartbeat.idle',
  );
});

it.each([
  "maxMessageBytes",
  "closeTimeoutMs",
  "maxLifetimeMs",
  "highWaterMarkBytes",
  "maxBufferedBytes",
  "maxQueuedBytes",
  "maxQueuedMessages",
])("%s must be a number, not a string of digits", async (name) => {
  await expect(serve({ routes: {}, [name]: "5" })).rejects.toThrow(
    `${name} is "5"; it must be a number above 0`,
  );
});

it.each(["toString", "constructor", "__proto__x"])("serve gives no hint for %s", async (name) => {
  await expect(serve({ routes: {}, [name]: true })).rejects.toMatchObject({
    message: `serve: there is no option ${name}`,
  });
});

it.each([
  ["maxMesageBytes", "maxMessageBytes"],
  ["maxConection", "maxConnections"],
  ["onrefused", "onRefused"],
  ["orgins", "origins"],
])("serve names the option that %s was probably meant to be", async (name, similar) => {
  await expect(serve({ routes: {}, [name]: 1 })).rejects.toMatchObject({
    message: `serve: there is no option ${name}; did you mean ${similar}?`,
  });
});

const COUNT = "an integer above 0, or Infinity";

it.each<[string, unknown, string]>([
  ["slowConsumer", "wait a bit", '"close", "drop" or "wait"'],
  ["heartbeat", [], "false, or an object such as { idleMs, timeoutMs }"],
  ["heartbeat", true, "false, or an object such as { idleMs, timeoutMs }"],
  ["maxMessageBytes", 0, "a number above 0"],
  ["maxMessagesPerSecond", 1.5, COUNT],
  ["maxMessagesPerSecond", 0, COUNT],
  ["maxConnections", -1, COUNT],
  ["maxPendingAuthorize", "5", COUNT],
  ["maxPendingRequests", 0, COUNT],
  ["handshakeTimeoutMs", 0, "an integer from 1 to 300000"],
  ["handshakeTimeoutMs", 300_001, "an integer from 1 to 300000"],
  ["hosts", "example.com", 'a list of hosts, such as ["example.com"]'],
  ["trustProxy", 0, "a list of addresses and networks, or a number of proxies from 1 to 31"],
  ["trustProxy", 32, "a list of addresses and networks, or a number of proxies from 1 to 31"],
  ["origins", 5, '"same-origin", "*", a list of origins, or a function'],
])("an error for %s: %j says what it must be", async (name, value, expected) => {
  await expect(serve({ routes: {}, [name]: value })).rejects.toThrow(
    `${name} is ${JSON.stringify(value)}; it must be ${expected}`,
  );
});

it.each(["idleMs", "timeoutMs"])("an error for heartbeat names %s", async (name) => {
  await expect(serve({ routes: {}, heartbeat: { [name]: 0 } })).rejects.toThrow(
    `serve: heartbeat.${name} is 0; it must be a number above 0`,
  );
});

it("an error for proxyHeaders lists the headers", async () => {
  const options = { routes: {}, trustProxy: 1, proxyHeaders: ["via" as "forwarded"] };
  await expect(serve(options)).rejects.toThrow(
    'serve: proxyHeaders is ["via"]; it must be a list with some of forwarded, x-forwarded-for, ' +
      "x-forwarded-proto, x-forwarded-host, x-forwarded-port",
  );
});

it("a server accepts the largest values of its options", async () => {
  await using server = await serve({
    port: 0,
    routes: {},
    handshakeTimeoutMs: 300_000,
    maxMessagesPerSecond: Infinity,
    maxConnections: 100_000_000,
    maxPendingAuthorize: Infinity,
    maxPendingRequests: Infinity,
    trustProxy: 31,
    heartbeat: false,
  });
  expect(server.sockets.size).toBe(0);
});

const cycle: { self?: unknown } = {};
cycle.self = cycle;

it.each([
  [7, "7"],
  [NaN, "NaN"],
  ["none", '"none"'],
  [7n, "a value of type bigint"],
  [cycle, "an object"],
])("an error prints the invalid value %o of an option", async (value, text) => {
  for (const name of ["origins", "hosts", "trustProxy"]) {
    // A number of proxies is a valid trustProxy.
    const wrong = name === "trustProxy" && value === 7 ? {} : value;
    await expect(serve({ routes: {}, [name]: wrong })).rejects.toThrow(
      `${name} is ${Object.is(wrong, value) ? text : "{}"}; it must be `,
    );
  }
});

it.each([
  [7n, "a value of type bigint"],
  [cycle, "an object"],
])("an error prints %o in a list of an option that does not allow it", async (value, text) => {
  for (const name of ["origins", "hosts", "trustProxy"]) {
    const started = serve({ routes: {}, [name]: [value] });
    await expect(started).rejects.toThrow(`${name} contains ${text}; pass `);
    await expect(started).rejects.toMatchObject({ name: "UsageError" });
  }
});
