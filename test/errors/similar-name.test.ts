import { expect, it } from "vitest";
import { similarName } from "../../src/errors/similar-name.ts";

const NAMES = ["maxMessageBytes", "maxQueuedBytes", "onError", "onRefused", "tls"];

it.each([
  ["maxMesageBytes", "maxMessageBytes"],
  ["maxMessagesByte", "maxMessageBytes"],
  ["MAXQUEUEDBYTES", "maxQueuedBytes"],
  ["onErorr", "onError"],
  ["error", "onError"],
  ["tl", "tls"],
])("finds %s as %s", (text, name) => {
  expect(similarName(text, NAMES)).toBe(name);
});

it.each(["", "maxBytes", "tsl", "errors", "toString"])("finds no name like %j", (text) => {
  expect(similarName(text, NAMES)).toBeUndefined();
});
