import { describe, expect, it } from "vitest";
import { readRows } from "../docs/linked-tests.ts";

const page = new URL("../../docs/coming-from/dart.md", import.meta.url);
const rows = readRows(page);

/**
 * The members of the WebSocket of `dart:html`, and of that of `dart:io` with its Stream and sink
 * members.
 */
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

describe("docs/coming-from/dart.md", () => {
  it.each([...HTML.split(" "), ...IO.split(" ")])("has a row for %s", (member) => {
    const word = new RegExp(`[\`.]${member}[\`(:]`);
    expect(rows.some(({ cells: [members] }) => word.test(members))).toBe(true);
  });
});
