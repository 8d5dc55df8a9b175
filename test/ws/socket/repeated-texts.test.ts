import { describe, expect, it } from "vitest";
import { RepeatedTexts } from "../../../src/ws/socket/repeated-texts.ts";

describe("RepeatedTexts", () => {
  it("prepares a text once when it follows itself", () => {
    const texts = new RepeatedTexts();
    expect(texts.find("news")).toBeUndefined();
    const prepared = texts.find("news");
    expect(prepared?.data).toBe("news");
    expect(texts.find("news")).toBe(prepared);
    expect(texts.find("other")).toBeUndefined();
    expect(texts.find("news")).toBeUndefined();
  });

  it("does not keep a text of more than 16,384 UTF-16 units", () => {
    const texts = new RepeatedTexts();
    const long = "x".repeat(16_385);
    expect([texts.find(long), texts.find(long)]).toEqual([undefined, undefined]);
    const short = "x".repeat(16_384);
    texts.find(short);
    expect(texts.find(short)?.data).toBe(short);
  });
});
