// The "model": it puts sentences together. The same id and question always give the same answer.

const OPENINGS = [
  "You asked about “{topic}”. ",
  "Let us look at “{topic}” together. ",
  "There is more than one answer when it comes to “{topic}”. ",
];

const SENTENCES = [
  "The sea has a simple rule: the water rises twice a day, in good weather and in bad. ",
  "Something similar holds for “{topic}”. ",
  "First, write down what you know, and mark the parts that you only suspect. ",
  "Then change one thing at a time, and watch what “{topic}” does. ",
  "A harbour pilot reads the water before the chart, and a good engineer reads the log before the code. ",
  "Most surprises come from the edges, where two calm currents meet. ",
  "If “{topic}” looks calm, measure it once more. ",
  "Small steps add up, as sand does behind a breakwater. ",
  "Keep a note of the time: high water moves by about fifty minutes each day. ",
  "People who work with “{topic}” every day usually start with the slowest part. ",
  "When in doubt, wait for slack water, and try again. ",
  "A boat that is tied to two piers stays where it is when one of them breaks. ",
];

const CLOSING = "That is all I have on “{topic}”, and every word came from this machine.";

const SENTENCES_PER_ANSWER = 8;

/** The answer to a question, in tokens. */
export function generate(id: string, question: string): readonly string[] {
  const random = createRandom(id + question);
  const pick = <T>(from: T[]): T => from.splice(Math.floor(random() * from.length), 1)[0];
  const left = [...SENTENCES];
  const body = Array.from({ length: SENTENCES_PER_ANSWER }, () => pick(left));
  const text = [pick([...OPENINGS]), ...body, CLOSING].join("");
  return text.replaceAll("{topic}", () => topicOf(question)).split(/(?<= )/);
}

/** The longest word of the question. Of several, it is the last: the first may be a word such as “What”. */
function topicOf(question: string): string {
  const words = question.match(/[\p{L}\p{N}-]+/gu) ?? ["this"];
  return words.reduce((longest, word) => (word.length < longest.length ? longest : word));
}

/** A generator of numbers from 0 to 1 that depends only on the seed (mulberry32). */
function createRandom(seed: string): () => number {
  let state = Array.from(seed, (letter) => letter.codePointAt(0)!).reduce(
    (sum, code) => Math.imul(sum, 31) + code,
    7,
  );
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
