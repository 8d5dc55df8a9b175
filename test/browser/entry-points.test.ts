import { expect, it } from "vitest";
import * as browserChannels from "../../src/browser/channels.ts";
import * as browser from "../../src/browser/index.ts";
import * as nodeChannels from "../../src/node/channels.ts";
import * as node from "../../src/node/index.ts";

it("the entry points for Node and for browsers export the same names", () => {
  expect(Object.keys(browser).toSorted()).toEqual(Object.keys(node).toSorted());
});

it("the entry points of channels for Node and for browsers export the same names", () => {
  expect(Object.keys(browserChannels).toSorted()).toEqual(Object.keys(nodeChannels).toSorted());
});
