import assert from "node:assert/strict";
import * as fc from "fast-check";
import {
  acceptDeflate,
  type DeflateSettings,
  offerDeflate,
  readDeflateAnswer,
} from "../../../src/protocol/deflate/index.ts";
import { parseExtensions, serializeExtensions } from "../../../src/protocol/handshake/index.ts";
import type { FuzzTarget } from "../target.ts";

interface NegotiatingInput {
  readonly server: DeflateSettings;
  readonly client: DeflateSettings;
  /** The offer of another client, and the response of another server. */
  readonly header: string;
}

const MIN_WINDOW_BITS = 9;

/** Both ends agree, and only on what RFC 7692 5.1 and 7.1 allow. */
export const negotiating: FuzzTarget<NegotiatingInput> = {
  name: "negotiating",

  arbitrary: () =>
    fc.record({
      server: settings,
      client: settings,
      header: fc
        .array(
          fc.array(param, { maxLength: 4 }).map((params) => [name, ...params].join("; ")),
          { minLength: 1, maxLength: 3 },
        )
        .map((extensions) => extensions.join(", ")),
    }),

  check({ server, client, header }) {
    checkEnds(server, client);
    const extensions = parseExtensions([header]);
    if (extensions === undefined) return;
    checkAcceptance(header, server, acceptDeflate(extensions, server, MIN_WINDOW_BITS));
    const agreement = readDeflateAnswer(extensions, client);
    const isAgreed = agreement !== undefined && typeof agreement !== "string";
    assert.equal(isAgreed, mayBeAnswered(header, client), header);
  },
};

const name = "permessage-deflate";
const settings: fc.Arbitrary<DeflateSettings> = fc.record({
  context: fc.constantFrom("shared", "dedicated"),
  thresholdBytes: fc.constant(0),
  windowBits: fc.integer({ min: 9, max: 15 }),
  level: fc.constant(1),
});
const bits = fc.constantFrom("8", "9", "10", "15", "7", "16", "08", '"12"', "", "x", "1e1", "-9");
const param = fc.oneof(
  fc.constantFrom(
    "server_no_context_takeover",
    "client_no_context_takeover",
    "client_max_window_bits",
  ),
  bits.map((value) => `server_max_window_bits=${value}`),
  bits.map((value) => `client_max_window_bits=${value}`),
  fc.constantFrom(
    "server_max_window_bits",
    "constructor",
    "__proto__=1",
    "server_no_context_takeover=1",
  ),
);

/** The two ends of this package together: each can read what the other sends. */
function checkEnds(server: DeflateSettings, client: DeflateSettings): void {
  const offer = parseExtensions([serializeExtensions([offerDeflate(client)])]);
  const accepted = acceptDeflate(offer ?? [], server, MIN_WINDOW_BITS);
  assert.ok(accepted !== undefined);
  const answer = parseExtensions([serializeExtensions([accepted.extension])]);
  const read = readDeflateAnswer(answer ?? [], client);
  assert.ok(typeof read === "object");
  for (const [sender, receiver] of [
    [accepted.agreement, read],
    [read, accepted.agreement],
  ]) {
    assert.ok(sender.sending.windowBits <= receiver.receiving.windowBits);
    assert.ok(!sender.sending.takesOver || receiver.receiving.takesOver);
  }
}

/** RFC 7692 5.1 and 7.1, for one offer or response in a header. */
function readParams(extension: string): Map<string, string> | undefined {
  const [, ...params] = extension.split(/ *; */);
  const read = new Map<string, string>();
  for (const text of params) {
    const [key, value = ""] = text.split("=").map((part) => part.replaceAll('"', ""));
    const isRight = key.endsWith("_no_context_takeover")
      ? value === ""
      : (key === "client_max_window_bits" && !text.includes("=")) ||
        (key.endsWith("_max_window_bits") && ["8", "9", "10", "12", "15"].includes(value));
    if (!isRight || read.has(key)) return undefined;
    read.set(key, value);
  }
  return read;
}

/** A server accepts the first valid offer that it supports. */
function checkAcceptance(
  header: string,
  server: DeflateSettings,
  accepted: ReturnType<typeof acceptDeflate>,
): void {
  const offered = header
    .split(", ")
    .map(readParams)
    .find(
      (params) =>
        params !== undefined &&
        Number(params.get("server_max_window_bits") ?? 15) >= MIN_WINDOW_BITS,
    );
  assert.equal(accepted !== undefined, offered !== undefined, header);
  if (accepted === undefined || offered === undefined) return;
  const { sending, receiving } = accepted.agreement;
  const answer = new Map(accepted.extension.params);
  // 7.1.1: the server must follow and confirm what the client requests. It uses only parameters that it confirms.
  if (offered.has("server_no_context_takeover")) assert.equal(sending.takesOver, false);
  assert.equal(answer.has("server_no_context_takeover"), !sending.takesOver);
  assert.equal(answer.has("client_no_context_takeover"), !receiving.takesOver);
  if (server.context === "shared") assert.ok(!sending.takesOver && !receiving.takesOver);
  // 7.1.2: no window larger than offered, and none for a client that did not offer one.
  const mostServerBits = Number(offered.get("server_max_window_bits") ?? 15);
  assert.ok(sending.windowBits <= mostServerBits);
  assert.equal(answer.has("server_max_window_bits"), offered.has("server_max_window_bits"));
  if (answer.has("client_max_window_bits")) {
    assert.ok(offered.has("client_max_window_bits"));
    const most = Number(offered.get("client_max_window_bits") || 15);
    assert.ok(Number(answer.get("client_max_window_bits")) <= most);
  }
  assert.equal(
    receiving.windowBits,
    Number(answer.get("client_max_window_bits") ?? (offered.get("client_max_window_bits") || 15)),
  );
}

/** Whether a client that has offered `offerDeflate(client)` may accept this response. */
function mayBeAnswered(header: string, client: DeflateSettings): boolean {
  const params = header.includes(",") ? undefined : readParams(header);
  if (params === undefined || params.get("client_max_window_bits") === "") return false;
  return client.context === "dedicated" || params.has("server_no_context_takeover");
}
