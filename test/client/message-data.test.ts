import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { isBlob, readBlob, toMessage } from "../../src/client/message-data.ts";

/** An object of a class with this name in another realm, such as an emulated DOM. */
function foreign(tag: string, members: object): object {
  return Object.assign({ [Symbol.toStringTag]: tag }, members);
}

const slice = (): void => {};

describe("the data of a message", () => {
  it.each([
    ["a Blob", new Blob(["x"])],
    ["a File", new File(["x"], "name")],
    ["a Blob of another realm", foreign("Blob", { size: 1, slice })],
    ["a File of another realm", foreign("File", { size: 0, slice })],
  ])("may be %s, which is sent as its bytes", (_what, blob) => {
    expect(isBlob(blob)).toBe(true);
    expect(toMessage(blob as Blob)).toBe(blob);
  });

  it.each([
    ["an object with the members of a Blob", { size: 1, slice }, "[object Object]"],
    ["an object named Blob without a size", foreign("Blob", { slice }), "[object Blob]"],
    [
      "an object named Blob with a size in text",
      foreign("Blob", { size: "1", slice }),
      "[object Blob]",
    ],
    ["an object named File without slice", foreign("File", { size: 1 }), "[object File]"],
    ["an object named BlobEvent", foreign("BlobEvent", { size: 1, slice }), "[object BlobEvent]"],
    ["null", null, "null"],
    ["undefined", undefined, "undefined"],
    ["a number", 5, "5"],
    ["an array", [1, 2], "1,2"],
    ["shared memory", new SharedArrayBuffer(1), "[object SharedArrayBuffer]"],
  ])("may be %s, which is sent as a string (Web IDL)", (_what, value, text) => {
    expect(isBlob(value)).toBe(false);
    expect(toMessage(value as never)).toBe(text);
  });

  it.each([
    ["a buffer", new Uint8Array([1, 2]).buffer],
    ["a buffer of another realm", runInNewContext("new Uint8Array([1, 2]).buffer") as ArrayBuffer],
    ["a view", new Uint8Array([0, 1, 2, 3]).subarray(1, 3)],
    ["a DataView", new DataView(new Uint8Array([0, 1, 2]).buffer, 1)],
    ["a view of another realm", runInNewContext("new Uint8Array([1, 2])") as Uint8Array],
  ])("may be %s, which is sent as bytes", (_what, data) => {
    expect(toMessage(data as never)).toEqual(new Uint8Array([1, 2]));
  });
});

it("the bytes of a Blob are read with arrayBuffer", async () => {
  expect(await readBlob(new Blob([new Uint8Array([1, 2])]))).toEqual(new Uint8Array([1, 2]));
});
