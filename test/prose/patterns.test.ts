import { describe, expect, it } from "vitest";
import { PATTERNS } from "../../scripts/prose/patterns.ts";

describe.each(PATTERNS)("the pattern '$name'", ({ find, bad, good }) => {
  it("matches its bad line", () => {
    expect(bad).toMatch(find);
  });

  it("does not match its good line", () => {
    expect(good).not.toMatch(find);
  });
});

it("every pattern has its own name", () => {
  const names = PATTERNS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

it("no good line matches any other pattern", () => {
  const wrong = PATTERNS.flatMap(({ good }) =>
    PATTERNS.filter(({ find }) => find.test(good)).map(({ name }) => `${good} (${name})`),
  );
  expect(wrong).toEqual([]);
});

it.each([
  "The client has today's date.",
  "The subprotocol that stands for JSON messages.",
  "There is no proxy.",
  "The queue is no longer full.",
  "A delay of no more than a second is no less than the minimum.",
  "What does the server send?",
  "The option says what to send.",
  "Clients connect to the server that owns the topic.",
  "A user who types a name joins the room.",
  "The limit has nothing to do with memory.",
  "You will hear back within a week.",
  "It returns one of two values.",
  "Each of the sockets has its own buffer.",
  "Part of its own message is lost.",
  "It uses the mark of the other server instead of its own.",
  "The server chooses one of the offered subprotocols.",
  "A report has the status or close code.",
  "It sends every price once and in order to a client.",
  "What is missing",
  "There are two routes, one of which is private.",
])("no pattern matches the good sentence: %s", (line) => {
  expect(PATTERNS.filter(({ find }) => find.test(line))).toEqual([]);
});
