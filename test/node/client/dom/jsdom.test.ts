// @vitest-environment jsdom
import { describe } from "vitest";
import { describeClients } from "./cases.ts";

describe("under the jsdom environment of vitest", () => {
  describeClients();
});
