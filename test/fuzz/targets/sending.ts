import assert from "node:assert/strict";
import * as fc from "fast-check";
import { nodeProtocolEnvironment } from "../../../src/node/environment/protocol-environment.ts";
import { UsageError } from "../../../src/errors/index.ts";
import { Endpoint } from "../../../src/protocol/endpoint.ts";
import type { EndpointEnvironment } from "../../../src/protocol/endpoint-environment.ts";
import { OutputBuffer } from "../../../src/protocol/output-buffer.ts";
import { exactPool, plainEnvironment, type Role, ROLES } from "../../protocol/support.ts";
import { fromHex, toHex } from "../bytes.ts";
import { type ModelEvent, readFrames } from "../model/frames.ts";
import type { FuzzTarget } from "../target.ts";

type Call =
  | { readonly text: string }
  /** Bytes of a binary message in hex, repeated `times` times. */
  | { readonly binary: string; readonly times: number }
  | { readonly ping: string }
  | { readonly pong: string }
  | { readonly close: number | null; readonly reason: string };

interface SendingInput {
  /** The end that sends. */
  readonly role: Role;
  /** null: no limit. */
  readonly maxFrameBytes: number | null;
  readonly calls: readonly Call[];
}

/** The model reads from the output of an endpoint exactly what was sent. */
export const sending: FuzzTarget<SendingInput> = {
  name: "sending",

  arbitrary: () =>
    fc.record({
      role: fc.constantFrom(...ROLES),
      maxFrameBytes: fc.option(fc.integer({ min: 1, max: 300 })),
      calls: fc.array(call, { maxLength: 8 }),
    }),

  check(input) {
    const maxFrameBytes = input.maxFrameBytes ?? Infinity;
    for (const environment of [plainEnvironment, nodeProtocolEnvironment]) {
      const { written, expected } = send(input, maxFrameBytes, environment);
      const reader = input.role === "client" ? "server" : "client";
      const read = readFrames(written, { role: reader, maxMessageBytes: 1_048_576 });
      assert.deepEqual(read, expected);
    }
  },
};

const hex = (maxLength: number): fc.Arbitrary<string> => fc.uint8Array({ maxLength }).map(toHex);
const code = fc.oneof(fc.constantFrom(1000, 1004, 1005, 1006, 1015, 2999, 3000), fc.nat(70_000));
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 200 }),
  // With lone surrogates.
  fc.array(fc.nat(0xffff), { maxLength: 60 }).map((units) => String.fromCharCode(...units)),
);
const call: fc.Arbitrary<Call> = fc.oneof(
  fc.record({ text }),
  fc.record({ binary: hex(30), times: fc.constantFrom(1, 1, 1, 5, 2200) }),
  fc.record({ ping: hex(130) }),
  fc.record({ pong: hex(130) }),
  fc.record({ close: fc.option(code), reason: text }),
);

function send(
  { role, calls }: SendingInput,
  maxFrameBytes: number,
  environment: EndpointEnvironment,
): { written: Uint8Array; expected: ModelEvent[] } {
  const output = new OutputBuffer(exactPool);
  const endpoint = new Endpoint({ role, maxFrameBytes }, environment, output, {
    onText() {},
    onBinary() {},
    onPing() {},
    onPong() {},
    onFinish() {},
  });
  const expected: ModelEvent[] = [];
  let isOpen = true;
  for (const item of calls) {
    const event: ModelEvent | undefined = isOpen ? eventOf(item) : undefined;
    const isIgnored = !isOpen && "close" in item && eventOf(item) !== undefined;
    const before = output.length;
    if (event === undefined && !isIgnored) {
      assert.throws(() => make(endpoint, item), UsageError);
      assert.equal(output.length, before);
      continue;
    }
    make(endpoint, item);
    if (event === undefined) continue;
    expected.push(event);
    isOpen = !("close" in event);
  }
  return { written: output.bytes.slice(0, output.length), expected };
}

/** The effect of a call at the peer, or undefined for misuse (RFC 6455 5.5, 7.4). */
function eventOf(item: Call): ModelEvent | undefined {
  if ("text" in item) return { text: wellFormed(item.text) };
  if ("binary" in item) return { binary: item.binary.repeat(item.times) };
  if ("ping" in item) return item.ping.length <= 250 ? item : undefined;
  if ("pong" in item) return item.pong.length <= 250 ? item : undefined;
  const reason = wellFormed(item.reason);
  if (item.close === null) return reason === "" ? { close: 1005, reason } : undefined;
  const payload = Buffer.concat([Uint8Array.of(item.close >> 8, item.close), Buffer.from(reason)]);
  if (item.close > 0xffff || payload.length > 125) return undefined;
  const frame = Uint8Array.of(0x88, payload.length, ...payload);
  const [event] = readFrames(frame, { role: "client", maxMessageBytes: 0 });
  return "failure" in event ? undefined : event;
}

function make(endpoint: Endpoint, item: Call): void {
  if ("text" in item) endpoint.sendText(item.text);
  else if ("binary" in item) endpoint.sendBinary(fromHex(item.binary.repeat(item.times)));
  else if ("ping" in item) endpoint.ping(fromHex(item.ping));
  else if ("pong" in item) endpoint.pong(fromHex(item.pong));
  else if (item.close === null) endpoint.close(undefined, item.reason);
  else endpoint.close(item.close, item.reason);
}

/** With U+FFFD for each lone surrogate. */
function wellFormed(units: string): string {
  return Buffer.from(units).toString();
}
