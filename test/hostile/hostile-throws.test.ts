import { createServer } from "node:http";
import { attach, type ErrorContext } from "tideway/server";
import { MemoryNetwork } from "tideway/testing";
import { afterEach, describe, expect, it, vi } from "vitest";
import { handshake, RawClient, statusOf } from "../support/clients.ts";
import { SERVER_KINDS } from "../support/server-kinds.ts";
import { HOSTILE_VALUES, throwingThen, throwingThenable } from "../support/hostile-values.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const FAILURES: ReadonlyArray<readonly [string, () => unknown]> = [
  ...HOSTILE_VALUES.flatMap(([what, make]): Array<[string, () => unknown]> => [
    [
      `throws ${what}`,
      () => {
        throw make();
      },
    ],
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- programs do this
    [`rejects with ${what}`, () => Promise.reject(make())],
  ]),
  ["returns a thenable that throws", throwingThenable],
  ["returns an object whose then cannot be read", throwingThen],
];

describe.each(SERVER_KINDS)("over $name,", ({ start }) => {
  it.each(FAILURES)(
    "an HTTP route that %s is answered with 500 and reported",
    async (_what, handle) => {
      const onError = vi.fn<(error: unknown, context: ErrorContext) => void>();
      await using server = await start({ "/": handle }, { onError });
      const request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
      expect(statusOf(await new RawClient(server).send(request).closed())).toBe(500);
      expect(onError).toHaveBeenCalledOnce();
      expect(onError.mock.calls[0][1].route).toBe("/");
    },
  );

  it.each(FAILURES)("a handler that %s closes its socket with 1011", async (_what, handle) => {
    const onError = vi.fn<(error: unknown, context: ErrorContext) => void>();
    await using server = await start({ "ws:/": handle }, { onError });
    const client = new RawClient(server).send(handshake("/"));
    await client.receives("\x88\x02\x03\xf3");
    client.socket.destroy();
    expect(onError).toHaveBeenCalledOnce();
    expect(onError.mock.calls[0][1].route).toBe("ws:/");
  });

  it.each(FAILURES)("an onError that %s has no effect", async (_what, fail) => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const handle = (): Promise<never> => Promise.reject(new Error("no"));
    await using server = await start({ "/": handle }, { onError: fail });
    const request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    expect(statusOf(await new RawClient(server).send(request).closed())).toBe(500);
  });
});

it.each(HOSTILE_VALUES)("%s is printed, even if the console reads it", async (_what, make) => {
  const print = vi.spyOn(console, "error").mockImplementation((value: unknown) => {
    // Reads the value as a console does.
    if (typeof value === "object" && value !== null) void (value as Error).message;
  });
  const network = new MemoryNetwork();
  const http = createServer();
  network.listen(http);
  // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- programs do this
  const handle = (): Promise<never> => Promise.reject(make());
  await using _attachment = attach(http, { routes: { "/": handle } });
  expect((await network.fetch("http://test/")).status).toBe(500);
  expect(print).toHaveBeenCalled();
});
