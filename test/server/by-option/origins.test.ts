import { serve } from "tideway/server";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { handshake, RawClient, statusOf } from "../../support/clients.ts";
import { SERVER_KINDS } from "../../support/server-kinds.ts";
import { HOSTILE_VALUES } from "../../support/hostile-values.ts";

describe.each(SERVER_KINDS)("origins, over $name,", ({ start }) => {
  const onError = vi.fn<(error: unknown) => void>();
  const options = { onError, onRefused: () => {} };
  const asked = vi.fn<(origin: string, request: Request) => boolean>();

  beforeEach(() => {
    onError.mockReset();
    asked.mockReset();
  });

  type Origins = (origin: string, request: Request) => boolean;

  async function statusesWith(
    origins: Origins | readonly string[],
    values: ReadonlyArray<string | string[] | undefined>,
  ): Promise<number[]> {
    await using server = await start({ "ws:/": { origins, handle: () => {} } }, options);
    const statuses: number[] = [];
    for (const Origin of values) {
      const client = new RawClient(server).send(handshake("/", { Origin }));
      statuses.push(statusOf(await client.receives("\r\n\r\n")));
      client.socket.destroy();
    }
    return statuses;
  }

  it("calls a function with any Origin value of a request that has exactly one Origin", async () => {
    const values = [
      "null",
      "",
      "file://",
      "chrome-extension://abc",
      "not an origin",
      "https://A.example:443",
    ];
    asked.mockReturnValue(true);
    expect(await statusesWith(asked, values)).toEqual(values.map(() => 101));
    expect(asked.mock.calls.map(([origin]) => origin)).toEqual([
      "null",
      "",
      "file://",
      "chrome-extension://abc",
      "not an origin",
      "https://a.example",
    ]);
    expect(asked.mock.calls[0][1].headers.get("origin")).toBe("null");
  });

  it("does not call a function for a request without Origin, which is accepted", async () => {
    expect(await statusesWith(asked, [undefined])).toEqual([101]);
    expect(asked).not.toHaveBeenCalled();
  });

  it("does not call a function for a request with several Origin fields, which is refused", async () => {
    asked.mockReturnValue(true);
    expect(await statusesWith(asked, [["https://a.example", "https://a.example"]])).toEqual([403]);
    expect(asked).not.toHaveBeenCalled();
  });

  it("accepts opaque origins, files and extensions in a list", async () => {
    const listed = ["null", "file://", "chrome-extension://Abc", "moz-extension://1-2"];
    const others = ["nil", "file://host", "chrome-extension://other", "http://localhost", ""];
    expect(await statusesWith(listed, [...listed, ...others])).toEqual([
      ...listed.map(() => 101),
      ...others.map(() => 403),
    ]);
    expect(await statusesWith([], ["null", "file://"])).toEqual([403, 403]);
  });

  it.each<[string, unknown, string]>([
    ["undefined", undefined, "a value of type undefined"],
    ["null", null, "null"],
    ["1", 1, "a value of type number"],
    ["a string", "true", "a value of type string"],
    ["an object", {}, "a value of type object"],
    ["an array", [true], "a value of type object"],
    ["a promise", Promise.resolve(true), "a promise"],
  ])(
    "refuses the page when a function returns %s, and reports it once a minute",
    async (_what, answer, shown) => {
      asked.mockReturnValue(answer as boolean);
      expect(await statusesWith(asked, ["null", "http://localhost"])).toEqual([403, 403]);
      expect(onError).toHaveBeenCalledOnce();
      expect(onError.mock.calls[0][0]).toMatchObject({
        name: "UsageError",
        code: "INVALID_ORIGIN",
        message: expect.stringContaining(`origins returned ${shown}; return true or false`),
      });
    },
  );

  it.each(HOSTILE_VALUES)("refuses the page when a function throws %s", async (_what, make) => {
    asked.mockImplementation(() => {
      throw make();
    });
    expect(await statusesWith(asked, ["http://localhost"])).toEqual([403]);
    expect(onError).toHaveBeenCalledOnce();
  });
});

it.each([
  "http://",
  "https:///",
  "file:///",
  "null ",
  "NULL",
  "file:",
  "://x",
  "ws://a",
  "WSS://a",
])("origins: a list with %j is refused at start", async (origin) => {
  const routes = { "ws:/": { origins: [origin], handle: () => {} } };
  await expect(serve({ port: 0, routes })).rejects.toMatchObject({ code: "INVALID_ORIGIN" });
});

it.each([
  ["http://localhost:5173/", 'pass origins of pages such as "https://example.com"'],
  ["*", 'to allow every page, pass "*" instead of a list'],
  ["https://*.example.com", "a list has no wildcards; pass a function such as (origin) =>"],
  ["http://localhost:*", "a list has no wildcards; pass a function such as (origin) =>"],
])("origins: the error for a list with %j says what to pass", async (origin, advice) => {
  const routes = { "ws:/": { origins: [origin], handle: () => {} } };
  await expect(serve({ port: 0, routes })).rejects.toThrow(
    `origins contains ${JSON.stringify(origin)}; ${advice}`,
  );
});
