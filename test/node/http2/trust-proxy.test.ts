import type { AuthorizeContext } from "tideway/server";
import { expect, it } from "vitest";
import { answerOf, deferred, extendedConnect, openSession, startTls } from "./support.ts";

const FIELDS = { forwarded: 'for="[2001:db8::17]:4711";proto=http;host="example.com:81"' };

it.each([
  [["127.0.0.1"], "2001:db8::17", "http://example.com:81/a"],
  [1, "2001:db8::17", "http://example.com:81/a"],
  [["10.0.0.0/8"], "127.0.0.1", undefined],
  [undefined, "127.0.0.1", undefined],
])("over HTTP/2, trustProxy %j gives the client %s", async (trustProxy, address, href) => {
  const reported = deferred<unknown>();
  const server = await startTls({
    ...(trustProxy !== undefined && { trustProxy }),
    routes: {
      "/a": (request, { remoteAddress, url }) =>
        Response.json([remoteAddress, url.href, request.url]),
      "ws:/a": {
        authorize: (_request: Request, context: AuthorizeContext<object>) => ({
          remoteAddress: context.remoteAddress,
        }),
        handle: (_socket, { remoteAddress, url, request, state }) =>
          reported.resolve([remoteAddress, url.href, request.url, state.remoteAddress]),
      },
    },
  });
  const own = href ?? `https://localhost:${server.port}/a`;
  const session = await openSession(server);
  const page = await answerOf(session.request({ ":path": "/a", ...FIELDS }));
  expect(JSON.parse(page.body)).toEqual([address, own, own]);
  extendedConnect(session, "/a", FIELDS);
  expect(await reported.promise).toEqual([address, own, own, address]);
});
