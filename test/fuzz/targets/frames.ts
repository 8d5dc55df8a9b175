import assert from "node:assert/strict";
import * as fc from "fast-check";
import { nodeProtocolEnvironment } from "../../../src/node/environment/protocol-environment.ts";
import { Endpoint } from "../../../src/protocol/endpoint.ts";
import type { EndpointEnvironment } from "../../../src/protocol/endpoint-environment.ts";
import { OutputBuffer } from "../../../src/protocol/output-buffer.ts";
import {
  exactPool,
  plainEnvironment,
  type Role,
  ROLES,
  withoutMasks,
} from "../../protocol/support.ts";
import { byteByByte, cutAt, cuts, fromHex, toHex } from "../bytes.ts";
import { type ModelEvent, readFrames } from "../model/frames.ts";
import type { FuzzTarget } from "../target.ts";
import { wireBytes } from "./wire-frames.ts";

interface FramesInput {
  /** The end that reads. */
  readonly role: Role;
  /** Whether that end has already sent its Close frame. */
  readonly isClosing: boolean;
  readonly maxMessageBytes: number;
  /** The bytes on the wire in hex. */
  readonly bytes: string;
  readonly cuts: readonly number[];
}

interface Outcome {
  readonly events: ModelEvent[];
  /** The sent frames, read by the model. */
  readonly answers: ModelEvent[];
}

/**
 * The events and answers of an endpoint agree with the model, wherever the bytes are split, with
 * and without a pause at each event, in either environment. Its buffers stay within their limits.
 */
export const frames: FuzzTarget<FramesInput> = {
  name: "frames",

  arbitrary(corpus) {
    return fc.constantFrom(...ROLES).chain((role) => {
      const known = corpus.filter((input) => input.role === role);
      return fc.record({
        role: fc.constant(role),
        isClosing: fc.boolean(),
        maxMessageBytes: fc.constantFrom(4096, 100, 1),
        bytes: wireBytes(
          role === "server",
          known.map(({ bytes }) => fromHex(bytes)),
        ).map(toHex),
        cuts,
      });
    });
  },

  check(input) {
    const bytes = fromHex(input.bytes);
    const events = readFrames(bytes, input);
    const expected: Outcome = { events, answers: answersTo(events, input) };
    assert.deepEqual(run([bytes], input), expected);
    assert.deepEqual(run([bytes], input, nodeProtocolEnvironment), expected);
    assert.deepEqual(run(byteByByte(bytes), input), expected);
    const chunks = cutAt(bytes, input.cuts);
    assert.deepEqual(run(chunks, input), expected);
    assert.deepEqual(run(chunks, input, nodeProtocolEnvironment, true), expected);
  },
};

/** RFC 6455 5.5.1, 5.5.3 and 7.1.7. */
function answersTo(events: readonly ModelEvent[], { isClosing }: FramesInput): ModelEvent[] {
  return events.flatMap((event): ModelEvent[] => {
    if ("ping" in event) return [{ pong: event.ping }];
    if (isClosing) return [];
    if ("close" in event) return [{ close: event.close, reason: "" }];
    return "failure" in event ? [{ close: event.failure, reason: "" }] : [];
  });
}

function run(
  chunks: readonly Uint8Array[],
  { role, isClosing, maxMessageBytes }: FramesInput,
  environment: EndpointEnvironment = plainEnvironment,
  isPausedAtEvents = false,
): Outcome {
  const events: ModelEvent[] = [];
  const note = (event: ModelEvent): void => {
    events.push(event);
    if (isPausedAtEvents) endpoint.pause();
  };
  const output = new OutputBuffer(exactPool);
  const endpoint = new Endpoint({ role, maxMessageBytes }, environment, output, {
    onText: (text) => note({ text }),
    onBinary: (bytes) => note({ binary: toHex(bytes) }),
    onPing: (payload) => note({ ping: toHex(payload) }),
    onPong: (payload) => note({ pong: toHex(payload) }),
    onFinish: ({ code, reason, error }) =>
      note(error === undefined ? { close: code, reason } : { failure: error.closeCode ?? 0 }),
  });
  if (isClosing) endpoint.close(1000);
  output.detach();
  for (const chunk of chunks) {
    endpoint.receive(chunk.slice());
    let before: number;
    do {
      before = events.length;
      endpoint.resume();
    } while (events.length > before);
    const { bufferedBytes } = endpoint;
    assert.ok(bufferedBytes <= 2 * maxMessageBytes + 256, `${bufferedBytes} bytes are buffered`);
  }
  const { length } = output;
  const written = output.detach().subarray(0, length);
  const answers = readFrames(role === "client" ? withoutMasks(written) : written, {
    role: "client",
    maxMessageBytes: 0,
  });
  return { events, answers: answers.map(withoutReason) };
}

/** The model does not include the wording of violations. */
function withoutReason(event: ModelEvent): ModelEvent {
  return "close" in event ? { ...event, reason: "" } : event;
}
