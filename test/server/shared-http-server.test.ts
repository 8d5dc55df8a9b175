import { once } from "node:events";
import { createServer, type Server as HttpServer } from "node:http";
import { createSecureServer, createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { attach } from "tideway/server";
import { afterEach, beforeEach, expect, it } from "vitest";

let httpServer: HttpServer;
let url: string;
let countOfHost: number;

beforeEach(async () => {
  countOfHost = 0;
  httpServer = createServer((_request, response) => {
    countOfHost++;
    response.end("host");
  });
  httpServer.listen(0, "127.0.0.1");
  await once(httpServer, "listening");
  url = `http://127.0.0.1:${(httpServer.address() as AddressInfo).port}`;
});

afterEach(async () => {
  httpServer.closeAllConnections();
  httpServer.close();
  await once(httpServer, "close");
});

const textOf = async (path: string): Promise<string> => await (await fetch(url + path)).text();

it("an attachment that is stopped twice gives the server back once", async () => {
  const attachment = attach(httpServer, { routes: { "/a": () => new Response("a") } });
  expect(await textOf("/a")).toBe("a");
  await attachment.stop();
  await attachment.stop();
  expect(await textOf("/a")).toBe("host");
  expect(countOfHost).toBe(1);
});

it.each([
  ["the first is stopped first", [0, 1]],
  ["the last is stopped first", [1, 0]],
])("two attachments leave nothing behind when %s", async (_, [first, second]) => {
  const attachments = ["a", "b"].map((name) =>
    attach(httpServer, { routes: { [`/${name}`]: () => new Response(name) } }),
  );
  expect([await textOf("/a"), await textOf("/b"), await textOf("/c")]).toEqual(["a", "b", "host"]);
  await attachments[first].stop();
  const left = ["a", "b"].map((name, index) => (index === first ? "host" : name));
  expect([await textOf("/a"), await textOf("/b")]).toEqual(left);
  await attachments[second].stop();
  expect([await textOf("/a"), await textOf("/b")]).toEqual(["host", "host"]);
  expect(countOfHost).toBe(4);
});

it("an attachment that stops does not wait for the responses of others, or end them", async () => {
  httpServer.removeAllListeners("request");
  httpServer.on("request", (_request, response) => response.write("first "));
  const attachment = attach(httpServer, { routes: { "/a": () => new Response("a") } });
  const whenEnded = once(httpServer, "request").then(([, response]) => response);
  const reader = (await fetch(`${url}/stream`)).body!.getReader();
  expect(new TextDecoder().decode((await reader.read()).value)).toBe("first ");
  await attachment.stop();
  await nextTurn();
  (await whenEnded).end("last");
  expect(new TextDecoder().decode((await reader.read()).value)).toBe("last");
  expect((await reader.read()).done).toBe(true);
});

it.each([createHttp2Server, createSecureServer])(
  "a server of node:http2 is refused, with the way to get one",
  (create) => {
    const http2Server = create() as unknown as HttpServer;
    expect(() => attach(http2Server, { routes: {} })).toThrow(/use serve\(\{ tls \}\)/);
  },
);

it("attach names itself when it refuses an option", () => {
  const options = { routes: {}, port: 80 };
  expect(() => attach(createServer(), options)).toThrow("attach: there is no option port");
});
