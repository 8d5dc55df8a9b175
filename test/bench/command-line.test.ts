import { describe, expect, it } from "vitest";
import { parseCommandLine } from "../../bench/src/command-line.ts";
import { WORKLOADS } from "../../bench/src/workloads.ts";

describe("the command line of the bench", () => {
  it("runs all workloads if no name is given", () => {
    expect(parseCommandLine([])).toMatchObject({ name: "all", workloads: WORKLOADS });
  });

  it("runs the workload with the given name, or all workloads with that prefix", () => {
    expect(namesOf(["binary-125"])).toEqual(["binary-125"]);
    expect(namesOf(["deflate"])).toEqual([
      "deflate-no-takeover-single",
      "deflate-no-takeover",
      "deflate-takeover",
    ]);
    expect(namesOf(["broadcast-single", "broadcast-single", "tls"])).toEqual([
      "broadcast-single",
      "tls-125",
      "tls-16k",
    ]);
  });

  it("measures topics through engines by default or by name, but never with --against", () => {
    const relaysOf = (...argv: string[]): unknown => {
      const command = parseCommandLine(argv);
      return command.kind === "workloads" && [command.relays, command.workloads.length];
    };
    expect(relaysOf()).toEqual([true, WORKLOADS.length]);
    expect(relaysOf("relays")).toEqual([true, 0]);
    expect(relaysOf("relays", "handshake")).toEqual([true, 1]);
    expect(relaysOf("handshake")).toEqual([false, 1]);
    expect(relaysOf("--against", "HEAD")).toEqual([false, WORKLOADS.length]);
  });

  it("lists the workloads when a name is unknown", () => {
    const command = parseCommandLine(["binary-126"]);
    expect(command).toMatchObject({ kind: "mistake" });
    const { message } = command as { message: string };
    expect(message).toContain("binary-126");
    for (const { name } of WORKLOADS) expect(message).toContain(name);
  });

  it.each([["--rounds", "0"], ["--rounds", "many"], ["--faster"], ["--node", "newest"]])(
    "refuses %s %s",
    (...argv) => {
      expect(parseCommandLine(argv)).toMatchObject({ kind: "mistake" });
    },
  );

  it("stores the results of some workloads apart from the results of all", () => {
    expect(parseCommandLine(["tls", "--quick"])).toMatchObject({ name: "tls-quick" });
    expect(parseCommandLine(["--against", "HEAD~1"])).toMatchObject({
      name: "all-against-HEAD-1",
    });
    expect(parseCommandLine(["tls", "--node", "24"])).toMatchObject({
      name: "tls-node-24",
      node: "24",
    });
  });

  it("has no two workloads with the same name", () => {
    const names = WORKLOADS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});

function namesOf(argv: readonly string[]): readonly string[] {
  const command = parseCommandLine(argv);
  if (command.kind !== "workloads") throw new Error("no workloads");
  return command.workloads.map(({ name }) => name);
}
