import { expect, it } from "vitest";
import * as browser from "../../src/browser/index.ts";
import * as node from "../../src/node/index.ts";

it("the entry points for Node and for browsers export the same names", () => {
  expect(Object.keys(browser).toSorted()).toEqual(Object.keys(node).toSorted());
});
