import { describe, expect, it } from "vitest";
import {
  decodeMessage,
  decodePayload,
  decodeRecord,
  encodeMessage,
  encodePayload,
  encodeRecord,
} from "../../../src/topics/broker/payload.ts";

const POSITION = { epoch: "e", offset: 7 };

describe.each<[string, string | Uint8Array]>([
  ["text", "caf\u{e9}"],
  ["no text", ""],
  ["bytes", Uint8Array.of(0, 127, 128, 255)],
  ["more bytes than one call of String.fromCharCode takes", new Uint8Array(200_000).fill(200)],
])("a payload of %s", (_what, data) => {
  it("survives encoding and decoding", () => {
    expect(decodePayload(encodePayload({ id: "1", data }))).toEqual({ id: "1", data });
    expect(decodeMessage(encodeMessage({ data }))).toEqual({ data });
    expect(decodeMessage(encodeMessage({ data, sender: "s" }))).toEqual({ data, sender: "s" });
  });

  it("is read with its position", () => {
    const record = encodeRecord(POSITION, encodePayload({ id: "1", data }));
    expect(decodeRecord(record)).toEqual({ position: POSITION, id: "1", data });
  });
});

it.each<[string, unknown]>([
  ["another version", '{"v":2,"id":"1","text":"a"}'],
  ["no version", '{"id":"1","text":"a"}'],
  ["null", "null"],
  ["a number", "5"],
  ["broken JSON", '{"v":1'],
  ["no text", '{"v":1,"id":"1"}'],
  ["a text that is a number", '{"v":1,"id":"1","text":5}'],
  ["bytes that are not base64", '{"v":1,"id":"1","bytes":"%"}'],
  ["an id that is a number", '{"v":1,"id":1,"text":"a"}'],
  ["no string", 5],
])("a payload with %s is not read", (_what, payload) => {
  expect(decodePayload(payload)).toBeUndefined();
});

it.each(["", "e:7", '{"v":1,"id":"1","text":"a"}', 'e {"v":1,"id":"1","text":"a"}'])(
  "the record %j without a position or payload is not read",
  (text) => {
    expect(decodeRecord(text)).toBeUndefined();
  },
);
