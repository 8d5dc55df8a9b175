import assert from "node:assert/strict";
import * as fc from "fast-check";
import {
  ClientHandshake,
  type ClientHandshakeOutcome,
} from "../../../src/protocol/handshake/client-handshake.ts";
import { plainEnvironment } from "../../protocol/support.ts";
import { byteByByte, cutAt, cuts } from "../bytes.ts";
import { readHead } from "../model/http-head.ts";
import { type Asked, readResponse } from "../model/upgrade.ts";
import type { FuzzTarget } from "../target.ts";
import { type Field, fieldsLike } from "./handshake-fields.ts";

interface OpeningResponseInput {
  readonly requireProtocol: boolean;
  readonly status: number;
  readonly version: readonly [major: number, minor: number];
  readonly fields: readonly Field[];
  readonly cuts: readonly number[];
}

/** A client opens a connection if the model does, and reads no byte after the response. */
export const openingResponse: FuzzTarget<OpeningResponseInput> = {
  name: "opening-response",

  arbitrary: () =>
    fc.record({
      requireProtocol: fc.boolean(),
      status: fc.oneof({ weight: 9, arbitrary: fc.constant(101) }, fc.constantFrom(100, 200, 302)),
      version: fc.oneof(
        { weight: 9, arbitrary: fc.constant([1, 1] as const) },
        fc.tuple(fc.nat(2), fc.nat(2)),
      ),
      fields: fieldsLike([
        ["Upgrade", "websocket"],
        ["Connection", "Upgrade"],
        ["Sec-WebSocket-Accept", ASKED.accept],
        ["Sec-WebSocket-Protocol", "chat"],
        ["Sec-WebSocket-Extensions", "permessage-deflate"],
      ]),
      cuts,
    }),

  check({ requireProtocol, status, version, fields, cuts: places }) {
    const lines = fields.map(([name, value]) => `${name}: ${value}`);
    const response = [`HTTP/${version.join(".")} ${status} `, ...lines, "", REST].join("\r\n");
    const bytes = Uint8Array.from(Buffer.from(response, "latin1"));
    const head = readHead(Buffer.from(bytes).toString("latin1"), RULES);
    const isRead = head !== undefined && "fields" in head && !isInterim(status);
    const expected = isRead
      ? readResponse(status, version, head.fields, { ...ASKED, requireProtocol })
      : undefined;
    for (const chunks of [[bytes], byteByByte(bytes), cutAt(bytes, places)]) {
      const outcome = receive(chunks, requireProtocol);
      // After an interim response the client waits for the next, and the rest is not a response.
      if (isInterim(status)) assert.notEqual(outcome?.kind, "open");
      else assert.deepEqual(describeOutcome(outcome), expected ?? "failed");
    }
  },
};

const REST = "rest";
const RULES = { startLine: /^/, maxHeaderBytes: 16_384, maxHeaderCount: 100 };
const ASKED: Omit<Asked, "requireProtocol"> = {
  // The accept key for a key of sixteen zero bytes.
  accept: "ICX+Yqv66kxgM0FcWaLWlFLwTAI=",
  protocols: ["chat", "superchat"],
  extensions: ["permessage-deflate"],
};

function isInterim(status: number): boolean {
  return status === 100;
}

function receive(
  chunks: readonly Uint8Array[],
  requireProtocol: boolean,
): ClientHandshakeOutcome | undefined {
  const handshake = new ClientHandshake(
    {
      url: new URL("ws://example.com/"),
      protocols: ASKED.protocols,
      extensions: [{ name: "permessage-deflate", params: [] }],
      requireProtocol,
    },
    { ...plainEnvironment, fillRandom: (bytes) => void bytes.fill(0) },
  );
  let rest = Buffer.alloc(0);
  for (const [index, chunk] of chunks.entries()) {
    const outcome = handshake.receive(chunk);
    if (outcome === undefined) continue;
    if (outcome.kind === "open") {
      rest = Buffer.concat([outcome.rest, ...chunks.slice(index + 1)]);
      assert.equal(rest.toString(), REST);
    }
    return outcome;
  }
  return undefined;
}

function describeOutcome(outcome: ClientHandshakeOutcome | undefined): unknown {
  if (outcome?.kind !== "open") return outcome?.kind;
  const { protocol } = outcome;
  return { protocol, extensions: outcome.extensions.map(({ name, params }) => [name, params]) };
}
