import { InvalidMessageError, type StandardSchema } from "tideway/server";
import { describe, expect, it } from "vitest";
import { reportingServers } from "../../suite/start.ts";
import type { Running } from "../../suite/transports.ts";
import { closeOf, nextMessage, openClient } from "../../support/clients.ts";

const { onError, start } = reportingServers();
let server: Running;

interface Question {
  readonly id: number;
}

const question: StandardSchema<Question> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) =>
      typeof value === "object" && value !== null && "id" in value && typeof value.id === "number"
        ? { value: { id: value.id } }
        : { issues: [{ message: "no id" }] },
  },
};

const failing: StandardSchema<Question> = {
  "~standard": { version: 1, vendor: "test", validate: () => Promise.reject(new Error("secret")) },
};

const anything: StandardSchema = {
  "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) },
};

describe("a route with a schema", () => {
  it.each([
    ["a schema", question],
    ["a pair of schemas", { receive: question, send: anything }],
  ])("gives values to the handler and sends values, with %s", async (_what, schema) => {
    server = await start({
      routes: {
        "ws:/:room": {
          protocols: ["v1"],
          schema,
          authorize: async (_request: Request) => ({ user: "me" }),
          handle: async (socket, { params, protocol, state }) => {
            for await (const { id } of socket) socket.send({ id, ...params, protocol, ...state });
          },
        },
      },
    });
    const client = await openClient(server, "/a", ["v1"]);
    client.send('{"id":1,"more":true}');
    client.send('{"id":2}');
    const answer = { room: "a", protocol: "v1", user: "me" };
    expect(JSON.parse(String(await nextMessage(client)))).toEqual({ id: 1, ...answer });
    expect(JSON.parse(String(await nextMessage(client)))).toEqual({ id: 2, ...answer });
    expect(onError).not.toHaveBeenCalled();
  });

  it.each([
    ["a binary message with 1003", Buffer.from('{"id":1}'), 1003, "not text"],
    ["text that is not JSON with 1007", "{id:1}", 1007, "not JSON"],
    ["JSON that fails validation with 1007", '{"id":"1"}', 1007, "not valid"],
  ])("answers %s and reports no error", async (_what, message, code, reason) => {
    const errors: unknown[] = [];
    server = await start({
      routes: {
        "ws:/": {
          schema: question,
          handle: async (socket) => {
            try {
              for await (const { id } of socket) socket.send(id);
            } catch (error) {
              errors.push(error);
              throw error;
            }
          },
        },
      },
    });
    const client = await openClient(server);
    client.send('{"id":7}');
    expect(await nextMessage(client)).toBe("7");
    client.send(message);
    expect(await closeOf(client)).toEqual({ code, reason });
    expect(errors).toEqual([expect.any(InvalidMessageError)]);
    expect(onError).not.toHaveBeenCalled();
  });

  it("closes with 1011 and an empty reason when the schema throws, and reports the error", async () => {
    server = await start({
      routes: {
        "ws:/": {
          schema: failing,
          handle: (socket) => void socket.listen((value) => socket.send(value)),
        },
      },
    });
    const client = await openClient(server);
    client.send("1");
    client.send("2");
    expect(await closeOf(client)).toEqual({ code: 1011, reason: "" });
    expect(onError).toHaveBeenCalledOnce();
    const [error, context] = onError.mock.calls[0];
    expect(error).toMatchObject({ code: "SCHEMA_FAILED", cause: new Error("secret") });
    expect(context.route).toBe("ws:/");
  });

  it.each<[unknown, string]>([
    [undefined, "undefined"],
    [null, "null"],
    ["text", "string"],
    [[], "an object"],
    [{}, "an object"],
    [{ issues: undefined }, "an object"],
  ])("closes with 1011 and reports a result of %j", async (result, shown) => {
    const schema = {
      "~standard": { version: 1, vendor: "test", validate: () => result },
    } as unknown as StandardSchema;
    server = await start({
      routes: { "ws:/": { schema, handle: (socket) => void socket.listen(() => {}) } },
    });
    const client = await openClient(server);
    client.send("1");
    expect(await closeOf(client)).toEqual({ code: 1011, reason: "" });
    expect(onError).toHaveBeenCalledOnce();
    expect(onError.mock.calls[0][0]).toMatchObject({
      code: "SCHEMA_FAILED",
      cause: {
        code: "INVALID_SCHEMA_RESULT",
        message: `validate of the schema returned ${shown}; it must return { value } or { issues } (Standard Schema 1)`,
      },
    });
  });

  it("accepts a schema that is a function, as some libraries provide", async () => {
    const schema = Object.assign(() => {}, question);
    server = await start({
      routes: {
        "ws:/": { schema, handle: (socket) => void socket.listen(({ id }) => socket.send(id)) },
      },
    });
    const client = await openClient(server);
    client.send('{"id":3}');
    expect(await nextMessage(client)).toBe("3");
  });

  it.each([
    null,
    5,
    {},
    () => {},
    { "~standard": { version: 2, validate: () => ({ value: 1 }) } },
    { "~standard": { version: 1 } },
    { receive: question },
    { send: question },
    { receive: question, send: {} },
  ])("refuses to start with a schema that is not a Standard Schema (%#)", async (schema) => {
    const routes = { "ws:/": { schema: schema as unknown as StandardSchema, handle: () => {} } };
    await expect(start({ routes })).rejects.toMatchObject({ code: "INVALID_ROUTE" });
  });
});
