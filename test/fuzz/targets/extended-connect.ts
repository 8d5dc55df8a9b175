import assert from "node:assert/strict";
import * as fc from "fast-check";
import { readExtendedConnect } from "../../../src/protocol/handshake/extended-connect.ts";
import { readExtendedRequest } from "../model/upgrade.ts";
import type { FuzzTarget } from "../target.ts";
import { type Field, fieldsLike } from "./handshake-fields.ts";

interface ExtendedConnectInput {
  /** Including pseudo-header fields. */
  readonly fields: readonly Field[];
}

/** A server opens a connection over HTTP/2 if the model does. */
export const extendedConnect: FuzzTarget<ExtendedConnectInput> = {
  name: "extended-connect",

  arbitrary: () =>
    fc.record({
      fields: fieldsLike([
        [":method", "CONNECT"],
        [":protocol", "websocket"],
        [":scheme", "https"],
        [":authority", "Example.com:8443"],
        [":path", "/chat?a=b"],
        ["sec-websocket-version", "13"],
      ]),
    }),

  check({ fields }) {
    const outcome = readExtendedConnect({ rawHeaders: fields.flat() });
    const offer = outcome.kind === "upgrade" && {
      protocols: outcome.protocols,
      extensions: outcome.extensions.map(({ name, params }) => [name, params]),
    };
    assert.deepEqual(offer, readExtendedRequest(fields) ?? false);
    if (outcome.kind === "refuse") assert.ok(outcome.status === 400 || outcome.status === 501);
  },
};
