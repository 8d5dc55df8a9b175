import { serve } from "tideway/server";
import { describe, expect, it } from "vitest";
import { anything, start } from "./support.ts";

const contract = { calls: { it: { output: anything } } };

const options = { calls: { it: () => 1 } };

describe("the route", () => {
  it.each([
    ["tideway.channels.1", "tideway.channels.1"],
    [["tideway.channels.2", "tideway.channels.1"], "tideway.channels.1"],
    [["tideway.channels.1", "tideway.channels.2"], "tideway.channels.1"],
    [[], ""],
  ] as const)("serves a client that offers %o", async (offered, protocol) => {
    const server = await start(contract, options);
    const client = await server.connect(typeof offered === "string" ? offered : [...offered]);
    expect(client.socket.protocol).toBe(protocol);
    await client.hello();
    expect(await client.request({ type: "call", id: 1, name: "it" })).toMatchObject({ output: 1 });
  });

  it("tells a client of another version which versions there are, and closes with 1002", async () => {
    const server = await start(contract, options);
    const client = await server.connect("tideway.channels.2");
    expect(client.socket.protocol).toBe("tideway.channels.2");
    expect(await client.next("versions")).toEqual({
      type: "versions",
      versions: ["tideway.channels.1"],
    });
    expect((await client.closed).code).toBe(1002);
  });

  it.each(["ws:/api", "/api"])("comes from api.route(): %s with api itself fails", async (key) => {
    const { api } = await start(contract, options);
    await expect(serve({ routes: { [key]: api as never } })).rejects.toMatchObject({
      code: "INVALID_ROUTE",
      message: `the route "${key}" is invalid: it has a Channels object as its value; write "ws:/api": api.route()`,
    });
  });

  it("closes the connections with 1001 when the server stops, and ends their sessions", async () => {
    const server = await start(contract, options);
    const client = await server.connect();
    await client.hello();
    expect(server.api.sessions()).toHaveLength(1);
    await server.stop();
    expect((await client.closed).code).toBe(1001);
    expect(server.api.sessions()).toEqual([]);
  });
});
