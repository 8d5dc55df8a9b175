import assert from "node:assert/strict";
import * as fc from "fast-check";
import { persistentZlib } from "../../../src/node/internals/deflate/persistent.ts";
import { createZlibCodec } from "../../../src/node/environment/deflate/zlib-codec.ts";
import { damaged, fromHex, toHex } from "../bytes.ts";
import { inflateMessages, type ModelMessage } from "../model/inflate.ts";
import type { FuzzTarget } from "../target.ts";
import { compressedBytes } from "./compressed-bytes.ts";

interface InflatingInput {
  readonly takesOver: boolean;
  readonly maxBytes: number;
  /** The compressed messages in hex. Empty ones do not reach the codec. */
  readonly messages: readonly string[];
}

/** The codec agrees with the model up to the first message that fails. */
export const inflating: FuzzTarget<InflatingInput> = {
  name: "inflating",

  arbitrary(corpus) {
    const known = corpus.flatMap(({ messages }) => messages.map(fromHex));
    const message = fc.oneof(
      { weight: 6, arbitrary: compressedBytes },
      { weight: 4, arbitrary: damaged(compressedBytes) },
      { weight: 1, arbitrary: damaged(fc.constantFrom(new Uint8Array(0), ...known)) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 24 }) },
    );
    return fc.record({
      takesOver: fc.boolean(),
      maxBytes: fc.constantFrom(4096, 4096, 300, 1, 0),
      messages: fc.array(message.map(toHex), { minLength: 1, maxLength: 4 }),
    });
  },

  check({ takesOver, maxBytes, messages }) {
    const bytes = messages.filter((hex) => hex !== "").map(fromHex);
    const rules = { takesOver, maxBytes };
    // Like zlib, a persistent codec with context takeover may detect a truncated message only later.
    const persistentRules = { ...rules, mayBeCutOff: takesOver, forgetsAtLastBlock: true };
    assertAgree(inflate(persistent, bytes, rules), inflateMessages(bytes, persistentRules));
    const oneShotRules = { ...rules, mayBeCutOff: false, forgetsAtLastBlock: false };
    const expected = inflateMessages(bytes, oneShotRules);
    const results = inflate(oneShot, bytes, rules);
    // The one-shot codec may read the bytes after a truncated message as content.
    const count = typeof expected.at(-1) === "string" ? expected.length - 1 : expected.length;
    assert.deepEqual(results.slice(0, count), expected.slice(0, count).map(asText));
  },
};

const persistent = createZlibCodec(persistentZlib);
const oneShot = createZlibCodec();

function inflate(
  codec: ReturnType<typeof createZlibCodec>,
  messages: readonly Uint8Array[],
  { takesOver, maxBytes }: Pick<InflatingInput, "takesOver" | "maxBytes">,
): string[] {
  const inflater = codec.createInflater({ windowBits: 15, takesOver });
  const results: string[] = [];
  for (const message of messages) {
    const inflated = inflater.inflate(message, 0, message.length, maxBytes);
    results.push(asText(inflated));
    if (typeof inflated === "string") break;
  }
  inflater.close();
  return results;
}

function assertAgree(results: readonly string[], expected: readonly ModelMessage[]): void {
  const texts = expected.map(asText);
  const last = results.at(-1);
  const isEither = texts.at(-1) === "either" && (last === "too-big" || last === "invalid");
  assert.deepEqual(results, isEither ? [...texts.slice(0, -1), last] : texts);
}

function asText(message: ModelMessage): string {
  return typeof message === "string" ? message : toHex(message);
}
