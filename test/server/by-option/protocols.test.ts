import { route, serve, type Server, type Socket, UsageError } from "tideway/server";
import { describe, expect, expectTypeOf, it, vi } from "vitest";
import type { Routes } from "../../suite/transports.ts";
import { handshake, RawClient, statusOf } from "../../support/clients.ts";
import { SERVER_KINDS } from "../../support/server-kinds.ts";

const onError = vi.fn<(error: unknown) => void>();

const handle = (socket: Socket, { protocol }: { protocol: string }): void =>
  void socket.send(`[${protocol}]`);

describe.each(SERVER_KINDS)("protocols as a function, over $name,", ({ start }) => {
  const ask = async (protocols: unknown, offered: string | undefined): Promise<string> => {
    onError.mockReset();
    await using server = await start({ "ws:/": { protocols, handle } } as Routes, { onError });
    const fields = { "Sec-WebSocket-Protocol": offered };
    const client = new RawClient(server).send(handshake("/", fields));
    const head = await client.receives("\r\n\r\n");
    const text = statusOf(head) === 101 ? await client.receives("]") : head;
    client.socket.destroy();
    return text;
  };

  it("chooses an offered subprotocol", async () => {
    const choose = vi.fn((offered: readonly string[], _request: Request) => offered[1]);
    const text = await ask(choose, "token.abc, token.def");
    expect(text).toContain("\r\nSec-WebSocket-Protocol: token.def\r\n");
    expect(text).toContain("[token.def]");
    expect(choose.mock.calls[0][0]).toEqual(["token.abc", "token.def"]);
    expect(choose.mock.calls[0][1]).toBeInstanceOf(Request);
  });

  it('opens without a subprotocol for ""', async () => {
    expect(await ask(() => "", "a")).toMatch(/^HTTP\/1\.1 101(?!.*sec-websocket-protocol).*\[\]/is);
    expect(await ask(() => "", undefined)).toContain("[]");
  });

  it.each([[undefined], [false]])("refuses with 400 for %o", async (choice) => {
    expect(statusOf(await ask(() => choice, "a"))).toBe(400);
    expect(onError).not.toHaveBeenCalled();
  });

  it.each<[unknown, string]>([
    ["b", '"b"'],
    ["A", '"A"'],
    ["a\r\nSet-Cookie: x=1", '"a\\r\\nSet-Cookie: x=1"'],
    [true, "a value of type boolean"],
    [null, "null"],
    [0, "a value of type number"],
    [1, "a value of type number"],
    [["a"], "a value of type object"],
    [{ toString: () => "a" }, "a value of type object"],
    [Promise.resolve("a"), "a promise"],
    [Symbol("a"), "a value of type symbol"],
  ])("refuses with 500 for %o, and reports it as %s", async (choice, shown) => {
    expect(statusOf(await ask(() => choice, "a"))).toBe(500);
    expect(onError).toHaveBeenCalledOnce();
    expect(onError.mock.calls[0][0]).toBeInstanceOf(UsageError);
    expect(onError.mock.calls[0][0]).toMatchObject({
      code: "INVALID_SUBPROTOCOL",
      message: expect.stringContaining(`protocols returned ${shown}; return an offered`) as string,
    });
  });

  it("answers with 500 if the function rejects, throws or changes the offer", async () => {
    expect(statusOf(await ask(() => Promise.reject(new Error("x")), "a"))).toBe(500);
    const error = new Error("x");
    const failing = (): string => {
      throw error;
    };
    expect(statusOf(await ask(failing, "a"))).toBe(500);
    expect(onError).toHaveBeenCalledWith(error, expect.anything());
    const adding = (offered: string[]): string => {
      offered.push("b");
      return "b";
    };
    expect(statusOf(await ask(adding, "a"))).toBe(500);
  });
});

it.each([["chat"], [{}], [null], [["a", "a"]], [["a b"]], [[1]]])(
  "protocols: %o is refused at start",
  async (protocols) => {
    const routes = { "ws:/": { protocols, handle } } as Routes;
    await expect(serve({ port: 0, routes })).rejects.toMatchObject({ code: "INVALID_ROUTE" });
  },
);

/** Has the type of `serve` and starts nothing. */
const check: typeof serve = async () => undefined as unknown as Server;

it("the compiler infers the subprotocol from the result of protocols", async () => {
  await check({
    routes: {
      "ws:/a": {
        protocols: (offered: readonly string[]) => (offered.includes("v2") ? "v2" : undefined),
        handle: (_socket, { protocol }) => expectTypeOf(protocol).toEqualTypeOf<"v2">(),
      },
      "ws:/b": {
        protocols: (offered: readonly string[]) => offered.find((one) => one.startsWith("token.")),
        handle: (_socket, { protocol }) => expectTypeOf(protocol).toEqualTypeOf<string>(),
      },
      ...route("ws:/c", {
        protocols: (offered) => (offered.includes("v1") ? ("v1" as const) : false),
        handle: (_socket, { protocol }) => expectTypeOf(protocol).toEqualTypeOf<"v1">(),
      }),
      // @ts-expect-error -- a promise is not a valid choice
      "ws:/d": { protocols: async () => "v1", handle },
      // @ts-expect-error -- a boolean is not a valid choice either
      "ws:/e": { protocols: () => true, handle },
    },
  });
  expect(check).toBeTypeOf("function");
});
