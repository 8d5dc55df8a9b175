import { expect, it } from "vitest";
import { RedisKeys } from "../../../src/topics/redis/redis-keys.ts";

it("the keys and the channel of a topic contain its encoded name as the hash tag", () => {
  const keys = new RedisKeys("tideway:");
  expect(keys.log("a{b} c")).toEqual(["tideway:{a%7Bb%7D%20c}:meta", "tideway:{a%7Bb%7D%20c}:log"]);
  expect(keys.id("news", "7")).toBe("tideway:{news}:id:7");
  expect(keys.presence("news")).toEqual(["tideway:{news}:ends", "tideway:{news}:values"]);
  expect(keys.channel("news")).toBe("tideway:{news}:live");
});
