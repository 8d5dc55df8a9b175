import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const page = new URL("../../docs/coming-from-dart.md", import.meta.url);

interface Row {
  readonly members: string;
  readonly test: string;
  readonly path: string;
}

/** The rows of all tables, with the test that each of them names. */
const rows: Row[] = readFileSync(page, "utf8")
  .split("\n")
  .filter((line, index, lines) => line.startsWith("| ") && !isHead(line, lines[index + 1]))
  .map((line) => {
    const [members, , link] = line.slice(1, -1).split("|");
    const [, test = link, path = "."] = /^\[(.+)\]\((.+)\)$/.exec(link.trim()) ?? [];
    return { members, test, path };
  });

function isHead(line: string, next: string): boolean {
  return line.startsWith("| --") || next.startsWith("| --");
}

/** The members of `dart:html`'s WebSocket, and of `dart:io`'s with what it has of Stream and sink. */
const HTML =
  "binaryType bufferedAmount extensions on onClose onError onMessage onOpen protocol readyState url " +
  "addEventListener close dispatchEvent removeEventListener send sendBlob sendByteBuffer sendString " +
  "sendTypedData supported CLOSED closeEvent CLOSING CONNECTING errorEvent messageEvent OPEN openEvent";
const IO =
  "connect userAgent fromUpgradedSocket closeCode closeReason done extensions first isBroadcast " +
  "isEmpty last length pingInterval protocol readyState single add addError addStream addUtf8Text any " +
  "asBroadcastStream asyncExpand asyncMap cast close contains distinct drain elementAt every expand " +
  "firstWhere fold forEach handleError join lastWhere listen map pipe reduce singleWhere skip skipWhile " +
  "take takeWhile timeout toList toSet transform where closed closing connecting open";

describe("docs/coming-from-dart.md", () => {
  it.each(rows)("links a test that exists: $test", ({ test, path }) => {
    const source = readFileSync(new URL(path, page), "utf8");
    expect(source).toContain(`  it("${test}", `);
  });

  it.each([...HTML.split(" "), ...IO.split(" ")])("has a row for %s", (member) => {
    const word = new RegExp(`[\`.]${member}[\`(:]`);
    expect(rows.some(({ members }) => word.test(members))).toBe(true);
  });
});
