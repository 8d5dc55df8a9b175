import { expect, it } from "vitest";
import {
  readMember,
  withFields,
  writeHiding,
  writeMember,
} from "../../../src/topics/presence/member.ts";

it("reads back a written member, with the added fields", () => {
  const value = writeMember({ id: "ann", data: { age: 30 } });
  expect(readMember(value)).toEqual({ member: { id: "ann", data: { age: 30 } } });
  expect(readMember(withFields(value, { replaces: ["key", "other"], endsInMs: 5 }))).toEqual({
    member: { id: "ann", data: { age: 30 } },
    replaces: ["key", "other"],
    endsInMs: 5,
  });
  expect(readMember(writeMember({ id: "ann" }))).toEqual({ member: { id: "ann" } });
  expect(readMember(writeHiding(["key"]))).toEqual({ replaces: ["key"] });
});

it("reads back the longest id and the largest member", () => {
  const id = "a".repeat(128);
  expect(readMember(writeMember({ id }))).toEqual({ member: { id } });
  const { length } = writeMember({ id, data: "" });
  const member = { id, data: "x".repeat(16_384 - length) };
  expect(writeMember(member)).toHaveLength(16_384);
  expect(readMember(writeMember(member))).toEqual({ member });
});

it.each([
  '{"v":2,"id":"ann"}',
  '{"id":"ann"}',
  "null",
  "5",
  '"ann"',
  '{"v":1',
  "",
  JSON.stringify({ v: 1, id: "ann", data: "a".repeat(20_000) }),
])("the entry %.20s is not read", (value) => {
  expect(readMember(value)).toBeUndefined();
});

it.each([
  ["an empty id", '{"v":1,"id":""}'],
  ["an id of 129 characters", `{"v":1,"id":"${"a".repeat(129)}"}`],
  ["an id that is a number", '{"v":1,"id":5}'],
  ["replaces that is a number", '{"v":1,"replaces":5}'],
  ["replaces with a number", '{"v":1,"replaces":["a",5]}'],
  ["endsInMs of 0", '{"v":1,"endsInMs":0}'],
  ["endsInMs that is a text", '{"v":1,"endsInMs":"5"}'],
])("%s is left out of an entry", (_what, value) => {
  expect(readMember(value)).toEqual({});
});
