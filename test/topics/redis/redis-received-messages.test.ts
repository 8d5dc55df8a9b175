import { expect, it } from "vitest";
import { ReceivedMessages } from "../../../src/topics/redis/redis-received-messages.ts";

it("a message is new if its number is above the earlier numbers of the same server", () => {
  const received = new ReceivedMessages();
  const numbers = [1, 2, 1, 2, 3, 7, 5, 8];
  expect(numbers.map((number) => received.add("a", number))).toEqual([
    true,
    true,
    false,
    false,
    true,
    true,
    false,
    true,
  ]);
  expect(received.add("b", 1)).toBe(true);
});

it("the last messages of 1,024 servers are known", () => {
  const received = new ReceivedMessages();
  for (let server = 0; server < 1_025; server++) received.add(`${server}`, 1);
  expect(received.add("1", 1)).toBe(false);
  expect(received.add("1024", 1)).toBe(false);
  expect(received.add("0", 1)).toBe(true);
});
