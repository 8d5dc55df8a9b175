import { createHash } from "node:crypto";
import { beforeEach, expect, it } from "vitest";
import type { RedisConnection } from "../../../src/topics/redis/redis-client.ts";
import { RedisScripts } from "../../../src/topics/redis/redis-scripts.ts";

/** A cluster of masters that have no script at first. The key of a call names the master that runs it. */
class FakeCluster implements RedisConnection {
  readonly calls: string[] = [];
  readonly digests: string[] = [];
  readonly #scripts = new Map<string, string>();
  failure: Error | undefined;

  async call(command: string, script: string, ...rest: readonly string[]): Promise<unknown> {
    const [, master, argument] = rest;
    this.calls.push(`${command} ${master}`);
    await Promise.resolve();
    if (this.failure !== undefined) throw this.failure;
    if (command === "EVALSHA") this.digests.push(script);
    if (command === "EVAL") this.#scripts.set(master, script);
    else if (command !== "EVALSHA") throw new Error(`ERR unknown command '${command}'`);
    const known = this.#scripts.get(master);
    if (known === undefined) throw new Error("NOSCRIPT No matching script.");
    return `${known} ${argument}`;
  }
}

let cluster: FakeCluster;
let scripts: RedisScripts;

beforeEach(() => {
  cluster = new FakeCluster();
  scripts = new RedisScripts(cluster);
});

const run = (master: string, argument: string): Promise<unknown> =>
  scripts.run("return", [master], [argument]);

it("of many calls at once, only the first sends the whole script", async () => {
  const results = Promise.all(["1", "2", "3"].map((argument) => run("one", argument)));
  expect(await results).toEqual(["return 1", "return 2", "return 3"]);
  expect(cluster.calls.filter((call) => call === "EVAL one")).toHaveLength(1);
  cluster.calls.length = 0;
  expect(await run("one", "4")).toBe("return 4");
  expect(cluster.calls).toEqual(["EVALSHA one"]);
});

it("of calls at once on two masters of a cluster, each master gets the whole script", async () => {
  const results = await Promise.all([run("one", "1"), run("two", "2")]);
  expect(results).toEqual(["return 1", "return 2"]);
  expect(cluster.calls.filter((call) => call.startsWith("EVAL "))).toEqual([
    "EVAL one",
    "EVAL two",
  ]);
});

it("a script is named by its SHA-1 digest", async () => {
  await run("one", "1");
  const digest = createHash("sha1").update("return").digest("hex");
  expect(new Set(cluster.digests)).toEqual(new Set([digest]));
});

it("a call that fails for another reason than an unknown script is not sent again", async () => {
  for (const failure of [new Error("OOM command not allowed"), new Error("NOPERM NOSCRIPT")]) {
    cluster.failure = failure;
    await expect(run("one", "1")).rejects.toBe(failure);
  }
  expect(cluster.calls).toEqual(["EVALSHA one", "EVALSHA one"]);
});
