// @vitest-environment happy-dom
import { describe } from "vitest";
import { describeClients } from "./cases.ts";

describe("under the happy-dom environment of vitest", () => {
  describeClients();
});
