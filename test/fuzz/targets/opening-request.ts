import assert from "node:assert/strict";
import * as fc from "fast-check";
import { readUpgradeRequest, writeRefusal } from "../../../src/protocol/handshake/index.ts";
import { readRequest } from "../model/upgrade.ts";
import type { FuzzTarget } from "../target.ts";
import { type Field, fieldsLike } from "./handshake-fields.ts";

interface OpeningRequestInput {
  readonly method: string;
  readonly version: readonly [major: number, minor: number];
  readonly fields: readonly Field[];
}

/** A server opens a connection if the model does, and can write any refusal. */
export const openingRequest: FuzzTarget<OpeningRequestInput> = {
  name: "opening-request",

  arbitrary: () =>
    fc.record({
      method: fc.oneof(
        { weight: 9, arbitrary: fc.constant("GET") },
        fc.constantFrom("POST", "HEAD"),
      ),
      version: fc.oneof(
        { weight: 9, arbitrary: fc.constant([1, 1] as const) },
        fc.tuple(fc.nat(2), fc.nat(2)),
      ),
      fields: fieldsLike([
        ["Host", "example.com:8080"],
        ["Upgrade", "websocket"],
        ["Connection", "Upgrade"],
        ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
        ["Sec-WebSocket-Version", "13"],
      ]),
    }),

  check({ method, version, fields }) {
    const outcome = readUpgradeRequest({
      method,
      httpVersionMajor: version[0],
      httpVersionMinor: version[1],
      rawHeaders: fields.flat(),
    });
    const offer = outcome.kind === "upgrade" && {
      protocols: outcome.protocols,
      extensions: outcome.extensions.map(({ name, params }) => [name, params]),
    };
    assert.deepEqual(offer, readRequest(method, version, fields) ?? false);
    if (outcome.kind === "refuse") {
      assert.match(writeRefusal(outcome), new RegExp(`^HTTP/1\\.1 ${outcome.status} `));
    }
  },
};
