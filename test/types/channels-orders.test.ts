import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";

const root = join(import.meta.dirname, "../..");
const compiler = join(
  dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
  "bin/tsc",
);

/** The declarations before the calls of `channels`. `equal` compiles only for two equal types. */
const PROLOGUE = `
import { defineContract, type StandardSchema } from "tideway/channels";
import { type AuthorizeRequest, type Channels, channels, fail, refuse, resumable } from "tideway/channels/server";
import type { Topics } from "tideway/topics";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function equal<B>(): <A>(value: A, ...proof: Equal<A, B> extends true ? [] : [never]) => void;
declare const schema: <In, Out = In>() => StandardSchema<In, Out>;
interface Session { readonly id: string; readonly rooms: Set<string> }
declare function sessionOf(auth: unknown): Promise<Session | undefined>;
declare const topics: Topics;
const draft = schema<{ text: string }>();
const message = schema<{ text: string; from: string }>();
const member = schema<{ name: string }>();
const contract = defineContract({
  topics: { "rooms/:room/:seat": { message, publish: draft, member }, news: { message: draft } },
  calls: {
    add: { input: schema<string, number>(), output: schema<{ sum: number }>(), errors: { overflow: schema<{ max: number }>() } },
    place: { isIdempotent: true, output: schema<string>(), input: schema<number>() },
    search: { item: schema<{ hit: string }>(), input: schema<{ q: string }>() },
    answer: { input: schema<string>(), isResumable: true, item: schema<{ token: string }>() },
  },
});
type Api = Channels<typeof contract, Session>;
`;

const RULES = {
  subscribe: `subscribe: ({ params, state, topic }) => {
    equal<{ readonly room: string; readonly seat: string }>()(params);
    equal<Session>()(state);
    equal<string>()(topic);
    return state.rooms.has(params.room);
  }`,
  publish: `publish: async ({ draft, state }) => {
    equal<{ text: string }>()(draft);
    return { ...draft, from: state.id };
  }`,
  enter: `enter: ({ state, session }) => {
    equal<Session>()(session.state);
    return { id: state.id, data: { name: state.id } };
  }`,
};

const OPTIONS: Readonly<Record<string, (rules: string) => string>> = {
  authorize: () => `authorize: async ({ auth, request }: AuthorizeRequest) => {
    equal<unknown>()(auth);
    equal<Request>()(request);
    const session = await sessionOf(auth);
    return session ? { state: session, expiresAtMs: 1 } : refuse("unauthorized");
  }`,
  rules: (rules) =>
    `rules: { news: { subscribe: true, publish: ({ state }) => state.rooms.has("news") }, "rooms/:room/:seat": {${rules}} }`,
  calls: () => `calls: {
    add: (input, { state }) => {
      equal<number>()(input);
      equal<Session>()(state);
      return input > 1 ? fail("overflow", { max: 1 }) : { sum: state.rooms.size };
    },
    place: (input, { id }) => {
      equal<number>()(input);
      equal<string>()(id);
      return id;
    },
    search: async function* ({ q }, { signal, state }) {
      equal<string>()(q);
      equal<AbortSignal>()(signal);
      yield { hit: state.id };
    },
    answer: async function* (question, { lastId, state }) {
      equal<string | undefined>()(lastId);
      yield resumable(state.id, { token: question });
    },
  }`,
  intercept: () => `intercept: async ({ state, session, kind }, next) => {
    equal<Session>()(state);
    equal<Session>()(session.state);
    equal<"subscribe" | "publish" | "enter" | "call" | "stream">()(kind);
    return next();
  }`,
};

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item) =>
    permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]),
  );
}

/** The call of `channels` with its options in an order, for one line of the program each. */
function callOf(order: readonly string[], rules: readonly string[], annotated: boolean): string {
  const options = order.map((name) => OPTIONS[name](rules.join(", "))).join(", ");
  const call = `equal<Api>()(channels(contract, { topics, ${options} }));`.replaceAll("\n", " ");
  return annotated ? call : call.replace(": AuthorizeRequest", "");
}

/** The errors of the compiler for a program, with the text of each line that has one. */
function errorsOf(program: string): string[] {
  const parent = join(root, "test-artefacts");
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, "orders-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "program.ts"), program);
  const compilerOptions = {
    noEmit: true,
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
    module: "nodenext",
    target: "es2023",
    lib: ["es2023", "esnext.disposable", "dom", "dom.iterable", "dom.asynciterable"],
    types: [],
  };
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions, include: ["program.ts"] }),
  );
  const output = String(spawnSync(process.execPath, [compiler, "-p", folder]).stdout);
  const lines = program.split("\n");
  return [...output.matchAll(/program\.ts\((\d+),\d+\): (.*)/g)].map(
    ([, line, error]) => `${error} IN ${lines[Number(line) - 1]}`,
  );
}

const ORDERS = permutations(Object.keys(OPTIONS));
const RULE_ORDERS = permutations(Object.values(RULES));

it("the program of these tests does not compile with a wrong type", () => {
  const errors = errorsOf(`${PROLOGUE}equal<Session>()("no session");`);
  expect(errors).toEqual([expect.stringContaining("Expected 2 arguments, but got 1")]);
});

describe("channels infers the params, data, state and errors", () => {
  it("in each order of its options and rules, if the parameter of authorize has a type", () => {
    const calls = ORDERS.flatMap((order, index) => [
      callOf(order, RULE_ORDERS[index % RULE_ORDERS.length], true),
      callOf(order, RULE_ORDERS[(index + 3) % RULE_ORDERS.length], true),
    ]);
    expect(calls).toHaveLength(48);
    expect(errorsOf(PROLOGUE + calls.join("\n"))).toEqual([]);
  });

  it("in each order that begins with authorize, without any type", () => {
    const orders = ORDERS.filter(([first]) => first === "authorize");
    const calls = orders.flatMap((order) =>
      RULE_ORDERS.map((rules) => callOf(order, rules, false)),
    );
    expect(calls).toHaveLength(36);
    expect(errorsOf(PROLOGUE + calls.join("\n"))).toEqual([]);
  });

  it("and says how to write authorize if it cannot infer the state", () => {
    const late = callOf(["calls", "rules", "authorize"], Object.values(RULES), false);
    const errors = errorsOf(PROLOGUE + late);
    expect(errors.join("\n")).toContain(
      "write authorize before rules and calls, or annotate its parameter: ({ auth }: AuthorizeRequest) => ...",
    );
  });
});
