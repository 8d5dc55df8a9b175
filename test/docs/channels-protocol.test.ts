/** Compares docs/channels-protocol.md with the frames that the sources read and write. */
import { expect, it } from "vitest";
import {
  hasValidFields,
  isClientFrameType,
  isCounter,
  isRequest,
} from "../../src/channels/wire/client-frame-checks.ts";
import { decodeFrame, SUBPROTOCOL } from "../../src/channels/wire/frames.ts";
import { readBlocks } from "./code-blocks.ts";
import { readPage } from "./pages.ts";

const PAGE = "docs/channels-protocol.md";
const page = readPage(PAGE);
const sources = readPage("src/channels/wire/frames.ts");

/** The lines of the transcripts: the name of the sender, and a frame. */
const lines = readBlocks(PAGE)
  .filter(({ language }) => language === "text")
  .flatMap(({ code }) => code.trim().split("\n"));

/** Frames of JSON blocks that only a client sends. */
const blocks = readBlocks(PAGE)
  .filter(({ language }) => language === "json")
  .map(({ code }) => code);

const clientFrames = [
  ...lines.filter((line) => line.startsWith("client: ")).map((line) => line.slice(8)),
  ...blocks.filter((code) => isClientFrameType(typeOf(code))),
];

function typeOf(text: string): string {
  return String((decodeFrame(text).frame as { readonly type?: unknown }).type);
}

/** The types in the declaration of a union of frames. */
function typesIn(declaration: string): string[] {
  const [, body] = new RegExp(`export type ${declaration} =(.*?);\n\n`, "s").exec(sources)!;
  const types = body.matchAll(/type: ((?:"\w+"(?: \| )?)+)/g);
  return Array.from(types, ([, names]) => names.split(" | ")).flat();
}

it("each line of a transcript has a sender and a frame", () => {
  expect(lines.length).toBeGreaterThan(20);
  for (const line of lines) {
    expect(line).toMatch(/^(client|server): /);
    expect(() => decodeFrame(line.slice(8))).not.toThrow();
  }
});

it.each(clientFrames)("the server accepts the client's frame %s", (text) => {
  const { frame } = decodeFrame(text) as { readonly frame: { type: string; id?: number } };
  expect(isClientFrameType(frame.type)).toBe(true);
  if (isRequest(frame.type)) expect(isCounter(frame.id)).toBe(true);
  if (isClientFrameType(frame.type)) expect(hasValidFields(frame.type, frame)).toBe(true);
});

it.each([...typesIn("ClientFrame"), ...typesIn("ServerFrame")])(
  "the page explains frames of the type %s",
  (type) => {
    const name = JSON.parse(type) as string;
    expect(page.includes(`\`${name}\``) || page.includes(`"type":"${name}"`)).toBe(true);
  },
);

it("the page has the subprotocol, and each code that a server sends", () => {
  expect(page).toContain(`\`${SUBPROTOCOL}\``);
  const errors = readPage("src/channels/wire/channel-error.ts");
  const [, ofServer] = /The server sends\n \* these:\n(.*?)The client makes these/s.exec(errors)!;
  const codes = Array.from(ofServer.matchAll(/`([A-Z_]+)`/g), ([, code]) => code);
  expect(codes.length).toBeGreaterThan(8);
  for (const code of codes) expect(page).toContain(`| \`${code}\``);
});
