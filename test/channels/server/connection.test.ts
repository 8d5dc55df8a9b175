import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { BundledProgram } from "../../support/bundled-program.ts";
import { settle } from "../../topics/support.ts";
import { anything, type RawClient, start, type TestServer } from "./support.ts";

describe("a session that the server has closed, with a client that does not answer", () => {
  let program: BundledProgram;

  beforeAll(async () => {
    program = await BundledProgram.bundle("test/channels/server/connection-program.ts");
  });

  afterAll(async () => {
    await program[Symbol.asyncDispose]();
  });

  it.each(["before", "after"])(
    "does not block the process by a subscription that began %s",
    async (whenSubscribed) => {
      const running = program.start({}, whenSubscribed);
      onTestFinished(() => running[Symbol.asyncDispose]());
      const code = await running.exited;
      const { stdout, stderr } = running;
      expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "alive\n", stderr: "" });
    },
  );
});

describe("a session that the server closes", () => {
  async function connected(): Promise<{
    server: TestServer;
    client: RawClient;
    signals: AbortSignal[];
    yielded: unknown[];
  }> {
    const signals: AbortSignal[] = [];
    const yielded: unknown[] = [];
    const server = await start(
      {
        topics: { "rooms/:room": { message: anything } },
        calls: {
          wait: { input: anything, output: anything },
          count: { input: anything, item: anything },
        },
      },
      {
        rules: { "rooms/:room": { subscribe: true } },
        calls: {
          wait: (_: unknown, { signal }: { signal: AbortSignal }) => {
            signals.push(signal);
            return new Promise(() => {});
          },
          count: async function* (_: unknown, { signal }: { signal: AbortSignal }) {
            signals.push(signal);
            for (;;) {
              yielded.push(undefined);
              yield yielded.length;
            }
          },
        },
      },
    );
    const client = await server.connect();
    await client.hello();
    return { server, client, signals, yielded };
  }

  it("aborts its calls and streams at once, and takes no more items", async () => {
    const { server, client, signals, yielded } = await connected();
    client.send({ type: "call", id: 1, name: "wait" });
    client.send({ type: "stream", id: 2, name: "count", credit: 1 });
    await client.next("item");
    // The client does not answer the Close frame.
    client.socket.pause();
    for (const session of server.api.sessions()) session.close("forbidden");
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    const { length } = yielded;
    await settle();
    expect(yielded).toHaveLength(length);
    client.terminate();
  });

  it("frees the topics of its subscriptions at once", async () => {
    const { server, client } = await connected();
    const subscribe = { type: "subscribe", id: 1, credit: 100 };
    expect(await client.request({ ...subscribe, topic: "rooms/a" })).toMatchObject({ number: 0 });
    client.socket.pause();
    for (const session of server.api.sessions()) session.close("forbidden");
    const other = await server.connect();
    await other.hello({ session: "B".repeat(22) });
    expect(await other.request({ ...subscribe, topic: "rooms/b" })).toMatchObject({ number: 0 });
    client.terminate();
  });
});
