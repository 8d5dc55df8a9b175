import { describe, expect, it } from "vitest";
import {
  countCharactersLeft,
  countMessages,
  describeDuration,
  explainName,
  formatDay,
  isolate,
  listNames,
} from "../../examples/chat/src/page/wording.ts";

/** The isolation marks around names would only clutter the expected texts. */
const plain = (text: string): string => text.replaceAll(/[\u2068\u2069]/g, "");

describe("the wording of the page", () => {
  it("lists names, and only the first two of many", () => {
    expect(plain(listNames(["Ana"]))).toBe("Ana");
    expect(plain(listNames(["Ana", "Bo"]))).toBe("Ana and Bo");
    expect(plain(listNames(["Ana", "Bo", "Cy"]))).toBe("Ana, Bo and Cy");
    expect(plain(listNames(["Ana", "Bo", "Cy", "Di"]))).toBe("Ana, Bo and 2 others");
  });

  it("isolates a name from the direction of the text around it (UAX 9, 2.1)", () => {
    expect(isolate("Ana")).toBe("\u2068Ana\u2069");
  });

  it("explains that a name was in use if the server added a number, or else that the name was cleaned", () => {
    expect(plain(explainName("Ana", "Ana2"))).toContain("The name Ana is taken, so you are Ana2");
    expect(plain(explainName("Ana\u202e", "Ana"))).toBe("Your name is shown as Ana.");
  });

  it("counts messages and time", () => {
    expect(countCharactersLeft(1)).toBe("1 character left");
    expect(countCharactersLeft(0)).toBe("0 characters left");
    expect(countMessages(1)).toBe("1 new message");
    expect(countMessages(2)).toBe("2 new messages");
    expect(describeDuration(0)).toBe("1 second");
    expect(describeDuration(4_400)).toBe("4 seconds");
    expect(describeDuration(180_000)).toBe("3 minutes");
    expect(describeDuration(7_200_000)).toBe("2 hours");
  });

  it("names today and yesterday, and has the date of other days", () => {
    const noon = new Date(2026, 2, 1, 12).getTime();
    expect(formatDay(noon, noon)).toBe("Today");
    expect(formatDay(new Date(2026, 1, 28, 23, 59).getTime(), noon)).toBe("Yesterday");
    expect(formatDay(new Date(2026, 1, 27).getTime(), noon)).toMatch(/27/);
  });
});
