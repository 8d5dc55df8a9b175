import { expect, it } from "vitest";
import {
  isConnectionField,
  withoutConnectionFields,
} from "../../../src/node/http2/connection-fields.ts";

const FIELDS = [
  "connection",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
];

it.each(FIELDS)("the field %s is taken out of a response (RFC 9113 8.2.2)", async (name) => {
  const response = new Response("body", { status: 404, headers: { [name]: "a", etag: '"b"' } });
  const sent = withoutConnectionFields(response);
  expect([...sent.headers.keys()]).toEqual(["content-type", "etag"]);
  expect(sent.status).toBe(404);
  expect(await sent.text()).toBe("body");
  expect(isConnectionField(name.toUpperCase())).toBe(true);
});

it("a response without such a field stays the same object", () => {
  const response = new Response("body", { headers: { etag: '"b"' } });
  expect(withoutConnectionFields(response)).toBe(response);
  expect(isConnectionField("etag")).toBe(false);
});
