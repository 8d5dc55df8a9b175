import assert from "node:assert/strict";
import * as fc from "fast-check";
import { parseExtensions, serializeExtensions } from "../../../src/protocol/handshake/index.ts";
import { readExtensionFields } from "../model/extensions.ts";
import type { FuzzTarget } from "../target.ts";

interface ExtensionsInput {
  /** The values of the `Sec-WebSocket-Extensions` fields. */
  readonly values: readonly string[];
}

/** The parser agrees with the model, and reads what the serializer writes. */
export const extensions: FuzzTarget<ExtensionsInput> = {
  name: "extensions",

  arbitrary(corpus) {
    const known = corpus.flatMap(({ values }) => values);
    const value = fc.oneof(
      fc.array(lexeme, { maxLength: 14 }).map((parts) => parts.join("")),
      fc.tuple(fc.constantFrom("", ...known), fc.nat(), lexeme).map(([text, place, more]) => {
        const at = place % (text.length + 1);
        return text.slice(0, at) + more + text.slice(at + (place % 3));
      }),
      fc.string({ unit: "binary-ascii", maxLength: 30 }),
    );
    return fc.record({ values: fc.array(value, { maxLength: 3 }) });
  },

  check({ values }) {
    const parsed = parseExtensions(values);
    assert.deepEqual(
      parsed?.map(({ name, params }) => [name, params]),
      readExtensionFields(values),
    );
    if (parsed === undefined) return;
    const written = serializeExtensions(parsed);
    assert.deepEqual(parseExtensions(written === "" ? [] : [written]), parsed);
  },
};

const lexeme = fc.oneof(
  fc.constantFrom(
    ..."permessage-deflate client_max_window_bits 15 a constructor __proto__".split(" "),
  ),
  fc.constantFrom(";", "; ", ",", ", ", "=", " = ", " ", "\t"),
  fc.constantFrom('"', '"a"', '"1\\5"', '"\\""', '"a b"', '""', "\\", "\u00e9", "\u0000", "/"),
);
