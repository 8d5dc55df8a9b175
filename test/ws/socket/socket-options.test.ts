import { expect, it } from "vitest";
import { type CommonOptions, toConnectionOptions } from "../../../src/ws/socket/socket-options.ts";

it.each([
  [undefined, 104_857_600, 16_384],
  [5, 5, 5],
  [0, Number.MAX_SAFE_INTEGER, undefined],
  [null, Number.MAX_SAFE_INTEGER, undefined],
])("the limit %s is %s for maxPayload, and %s for maxFragments", (limit, bytes, fragments) => {
  const options = { maxPayload: limit, maxFragments: limit } as CommonOptions;
  for (const [given, own] of [
    [options, {}],
    [{}, options],
  ]) {
    const { maxMessageBytes, maxFragments } = toConnectionOptions(
      given,
      own,
      "server",
      Buffer.alloc(0),
    );
    expect({ maxMessageBytes, maxFragments }).toEqual({
      maxMessageBytes: bytes,
      maxFragments: fragments,
    });
  }
});

it.each([
  [undefined, true],
  [true, true],
  [false, false],
  [null, false],
])("pings with autoPong: %s are answered: %s", (autoPong, answersPings) => {
  const options = { autoPong } as CommonOptions;
  expect(toConnectionOptions(options, {}, "server", Buffer.alloc(0))).toMatchObject({
    answersPings,
    validatesUtf8: true,
  });
});
