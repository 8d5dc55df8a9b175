import { expect, it } from "vitest";
import { findHits } from "../../scripts/prose/find-hits.ts";

it("findHits returns the line, the column, the pattern, the sentence and the advice of each hit", () => {
  const source = ["/**", " * Sends `data`. The caller", " * has to wait.", " */", "f();"].join(
    "\n",
  );
  expect(findHits("src/a.ts", source)).toEqual({
    words: 6,
    hits: [
      {
        path: "src/a.ts",
        line: 3,
        column: 4,
        pattern: "has to",
        sentence: "The caller has to wait.",
        advice: expect.stringContaining('"The caller must wait."') as string,
      },
    ],
  });
});

it("findHits finds sentences of more than 30 words outside of code spans", () => {
  const patterns = (text: string): string[] | undefined =>
    findHits("a.md", text)?.hits.map(({ pattern }) => pattern);
  expect(patterns(`${"word ".repeat(30)}${"`code` ".repeat(5)}.`)).toEqual([]);
  expect(patterns(`${"word ".repeat(31)}.`)).toEqual(["long sentence"]);
});

it("findHits finds sentences with more than two semicolons and dashes", () => {
  const [hit] = findHits("a.md", "One; two; three - four.")?.hits ?? [];
  expect(hit?.pattern).toBe("too many joins");
  expect(findHits("a.md", "One; two; three well-known words.")?.hits).toEqual([]);
});
