import * as fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";
import {
  formatTopicName,
  type TopicParamName,
  TopicPattern,
  type TopicParams,
} from "../../src/topic-names/topic-pattern.ts";

const refusal = (code: string): unknown => expect.objectContaining({ name: "UsageError", code });

/** A param that is short enough for a name, even if every character is percent-encoded. */
const param = fc.oneof(
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 }),
  fc.constantFrom("a", "/", ":", "%", "%61", "..", "__proto__", "é", "🌊", " ", "\n", "\0"),
);
const segment = fc.oneof(
  fc.constantFrom("rooms", "a", "b", "%61", "a b", "%", "a!"),
  fc.constantFrom(":a", ":b", ":c", ":__proto__"),
);
const pattern = fc
  .array(segment, { minLength: 1, maxLength: 4 })
  .filter((segments) => {
    const params = segments.filter((text) => text.startsWith(":"));
    return new Set(params).size === params.length;
  })
  .map((segments) => new TopicPattern(segments.join("/")));

function paramsFor(names: readonly string[]): fc.Arbitrary<Record<string, string>> {
  return fc
    .array(param, { minLength: names.length, maxLength: names.length })
    .map((values) => Object.fromEntries(names.map((name, index) => [name, values[index]])));
}

describe("TopicPattern", () => {
  it("matches a name and decodes its params", () => {
    const rooms = new TopicPattern("rooms/:room/seats/:seat");
    expect(rooms.paramNames).toEqual(["room", "seat"]);
    expect(rooms.match("rooms/tides/seats/a%2F1")).toEqual({ room: "tides", seat: "a/1" });
    expect(new TopicPattern("news").match("news")).toEqual({});
  });

  it.each([
    ["fewer segments", "rooms/tides"],
    ["more segments", "rooms/tides/seats/1/x"],
    ["another text", "halls/tides/seats/1"],
    ["an empty param", "rooms//seats/1"],
    ["malformed percent-encoding", "rooms/%E0%A4%A/seats/1"],
    ["a percent sign alone", "rooms/%/seats/1"],
    ["another encoding of a letter", "rooms/%61/seats/1"],
    ["lower-case hexadecimal digits", "rooms/a%2fb/seats/1"],
    ["a space without its encoding", "rooms/a b/seats/1"],
    ["an encoded surrogate", "rooms/%ED%A0%80/seats/1"],
    ["a param of 129 characters", `rooms/${"a".repeat(129)}/seats/1`],
    ["257 characters", `rooms/${"a".repeat(128)}/seats/${"b".repeat(116)}`],
    ["a value that is not text", ["rooms/tides/seats/1"]],
  ])("does not match a name with %s", (_, name) => {
    expect(new TopicPattern("rooms/:room/seats/:seat").match(name)).toBeUndefined();
  });

  it.each([
    ["", "1 to 256 characters"],
    ["a".repeat(257), "1 to 256 characters"],
    ["/rooms", "empty segment"],
    ["rooms/", "empty segment"],
    ["rooms//x", "empty segment"],
    ["rooms/:", '":" is not a param'],
    ["rooms/:1", '":1" is not a param'],
    ["rooms/:room?", '":room?" is not a param'],
    ["rooms/:room-:seat", '":room-:seat" is not a param'],
    ["rooms/:room/:room", "two params with the name room"],
    ["rooms/\ud800", "1 to 256 characters"],
    [undefined, "undefined"],
  ])("refuses the pattern %j", (text, reason) => {
    const create = (): unknown => new TopicPattern(text as string);
    expect(create).toThrow(refusal("INVALID_TOPIC_PATTERN"));
    expect(create).toThrow(reason);
  });

  it("matches exactly the names that it formats (property)", () => {
    fc.assert(
      fc.property(
        pattern.chain((of) => fc.tuple(fc.constant(of), paramsFor(of.paramNames))),
        ([of, params]) => {
          const name = of.format(params);
          expect(of.match(name)).toEqual(params);
        },
      ),
    );
  });

  it("formats the params of any name that it matches to that name (property)", () => {
    const name = fc.oneof(
      fc.string({ unit: "binary", maxLength: 12 }),
      fc
        .array(fc.constantFrom("a", "/", "%", "6", "1", "2", "F", "f", " ", "é"), { maxLength: 8 })
        .map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(name, (text) => {
        const of = new TopicPattern(text.includes("/") ? ":a/:b" : ":a");
        const params = of.match(text);
        if (params !== undefined) expect(of.format(params)).toBe(text);
      }),
    );
  });

  it("overlaps a pattern if and only if a name matches both (property)", () => {
    fc.assert(
      fc.property(pattern, pattern, (first, second) => {
        expect(first.overlaps(second)).toBe(nameOfBoth(first, second) !== undefined);
        expect(second.overlaps(first)).toBe(first.overlaps(second));
      }),
    );
  });
});

/** A name that both patterns match, if there is one: each param takes the other pattern's text. */
function nameOfBoth(first: TopicPattern, second: TopicPattern): string | undefined {
  const other = second.text.split("/");
  const parts = first.text.split("/").map((text, index) => {
    if (!text.startsWith(":")) return text;
    const facing = other[index] ?? "";
    return facing.startsWith(":") ? "x" : facing;
  });
  const name = parts.join("/");
  return first.match(name) && second.match(name) ? name : undefined;
}

describe("formatTopicName", () => {
  it("percent-encodes the params", () => {
    expect(formatTopicName("rooms/:room", { room: "a/b é" })).toBe("rooms/a%2Fb%20%C3%A9");
    expect(formatTopicName("news")).toBe("news");
  });

  it.each([
    ["missing", {}],
    ["inherited", Object.create({ room: "a" })],
    ["null", { room: null }],
    ["a number", { room: 1 }],
    ["empty", { room: "" }],
    ["too long", { room: "a".repeat(129) }],
    ["a lone surrogate", { room: "\ud800" }],
  ])("refuses a param that is %s", (_, params) => {
    const format = (): unknown => formatTopicName("rooms/:room", params as { room: string });
    expect(format).toThrow(refusal("INVALID_PARAM"));
    expect(format).toThrow("the param room of rooms/:room must be text of 1 to 128 characters");
  });

  it("refuses a name of more than 256 characters", () => {
    const longest = "é".repeat(41); // 6 characters each: 6 + 246
    expect(formatTopicName("rooms/:room", { room: longest })).toHaveLength(252);
    const format = (): unknown => formatTopicName("rooms/:room", { room: `${longest}é` });
    expect(format).toThrow(refusal("INVALID_TOPIC_NAME"));
    expect(format).toThrow("must be text of 1 to 256 characters");
  });
});

describe("TopicParams", () => {
  it("are inferred from the pattern", () => {
    expectTypeOf<TopicParams<"rooms/:room/seats/:seat">>().toEqualTypeOf<{
      readonly room: string;
      readonly seat: string;
    }>();
    expectTypeOf<TopicParams<":a">>().toEqualTypeOf<{ readonly a: string }>();
    expectTypeOf<TopicParamName<"news">>().toEqualTypeOf<never>();
    expectTypeOf<TopicParams<string>>().toEqualTypeOf<{ readonly [name: string]: string }>();
  });
});
