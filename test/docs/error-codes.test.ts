import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");

/** Matches source code that creates an error with a code. */
const MAKES_ERROR = /(?:new \w*Error\(|super\(|[fF]ault\(|code[:=])\s*"([A-Z]+(?:_[A-Z0-9]+)*)"/g;
/** Codes that a function chooses, for example from the fault of a response. */
const CHOSEN_CODES = ["HEADER_TOO_BIG", "INVALID_ID", "INVALID_PARAM", "INVALID_TOPIC_NAME"];
/** Matches the members of the union `ChannelErrorCode`. */
const CHANNEL_CODE = /^ {2}\| "([A-Z_]+)"/gm;
/** The frames of the conformance kit have codes that no version of the protocol defines. */
const SCRIPTS = /^testing.channels/;
/** Codes of the package ws, which have a table on another page. */
const WS_CODES = /^WS_ERR_/;
/** Codes of Node.js, which the sources reuse for the causes of errors. */
const SYSTEM_CODES = ["ECONNREFUSED", "ECONNRESET", "ERR_STREAM_PREMATURE_CLOSE", "Z_DATA_ERROR"];

const tableOf = (page: string, heading: string): Set<string> => {
  const [, section] = readFileSync(join(root, page), "utf8").split(`\n${heading}\n`);
  return new Set([...section.matchAll(/^\| `([A-Z0-9_]+)`/gm)].map(([, code]) => code));
};

const codesOfSources = (): Set<string> => {
  const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !SCRIPTS.test(name))
    .map((name) => readFileSync(join(root, "src", name), "utf8"));
  const codes = new Set(CHOSEN_CODES);
  for (const source of sources) {
    for (const [, code] of source.matchAll(MAKES_ERROR)) codes.add(code);
    if (!source.includes("type ChannelErrorCode =")) continue;
    for (const [, code] of source.matchAll(CHANNEL_CODE)) codes.add(code);
  }
  for (const code of SYSTEM_CODES) codes.delete(code);
  return codes;
};

it("docs/guides/debugging.md lists exactly the error codes of the sources", () => {
  const codes = [...codesOfSources()].filter((code) => !WS_CODES.test(code));
  const listed = tableOf("docs/guides/debugging.md", "## Error codes");
  expect([...listed].toSorted()).toEqual(codes.toSorted());
});

it("docs/guides/instead-of-ws.md lists the error codes of ws in the sources", () => {
  const codes = [...codesOfSources()].filter((code) => WS_CODES.test(code));
  expect(codes).not.toEqual([]);
  const listed = tableOf(
    "docs/guides/instead-of-ws.md",
    "### Environment variables and error codes",
  );
  expect([...listed]).toEqual(expect.arrayContaining(codes));
});
