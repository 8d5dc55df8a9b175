import { serve } from "tideway/server";
import { expect, it } from "vitest";
import { joinFields } from "../../../src/node/requests/join-fields.ts";
import { handshake, RawClient } from "../../support/clients.ts";

const REPEATED = {
  Authorization: ["Bearer a", "Bearer b"],
  Cookie: ["a=1", "b=2"],
  "X-A": ["c", "d"],
};

const EXPECTED = { authorization: "Bearer a, Bearer b", cookie: "a=1; b=2", "x-a": "c, d" };

const NO_UPGRADE = {
  Upgrade: undefined,
  Connection: "close",
  "Sec-WebSocket-Version": undefined,
  "Sec-WebSocket-Key": undefined,
};

it.each([
  ["GET", handshake("/", { ...REPEATED, ...NO_UPGRADE })],
  [
    "POST",
    handshake("/", { ...REPEATED, ...NO_UPGRADE, "Content-Length": "0" }, "POST / HTTP/1.1"),
  ],
  ["a handshake", handshake("/", REPEATED)],
])("a handler gets the joined values of repeated fields of %s (Fetch 2.2.2)", async (_, head) => {
  const answer = ({ headers }: Request): Response => Response.json(Object.fromEntries(headers));
  await using server = await serve({
    port: 0,
    onRefused: () => {},
    routes: { "/": answer, "ws:/": { authorize: answer, handle: () => {} } },
  });
  const [, body] = (await new RawClient(server.port).send(head).closed()).split("\r\n\r\n");
  expect(JSON.parse(/\{.*\}/s.exec(body)![0])).toMatchObject(EXPECTED);
});

it("keeps a field with the name of an inherited property, and no pseudo-header field", () => {
  expect(Object.entries(joinFields([":path", "/", "__proto__", "a", "__PROTO__", "b"]))).toEqual([
    ["__proto__", "a, b"],
  ]);
});
