import { describe, expect, it } from "vitest";
import { generate } from "../../examples/assistant/src/generate.ts";
import { runToEnd } from "./example-process.ts";

it("the server of the assistant reports that Redis does not answer, and exits", async () => {
  const environment = { REDIS_URL: "redis://127.0.0.1:1", PORT: "0" };
  const { exitCode, stderr } = await runToEnd("assistant/dist/server.js", { environment });
  expect(exitCode).toBe(1);
  expect(stderr).toBe(
    "Redis does not answer at redis://127.0.0.1:1. Start redis-server, or set REDIS_URL.\n",
  );
});

describe("the generator of answers", () => {
  it("gives the same answer for the same id and question, and another one for another id", () => {
    const answer = generate("1", "What is a tide?");
    expect(generate("1", "What is a tide?")).toEqual(answer);
    expect(generate("2", "What is a tide?")).not.toEqual(answer);
  });

  it("mentions the longest word of the question, and needs none", () => {
    expect(generate("1", "What about $& lighthouses?").join("")).toContain("lighthouses");
    expect(generate("1", "What is a tide?").join("")).toContain("all I have on “tide”");
    expect(generate("1", "?!").join("")).toContain("this");
  });
});
