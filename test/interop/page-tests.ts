import type { Server } from "tideway/server";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { TestBrowser, TestPage } from "../support/pages.ts";
import { serveEcho } from "./echo-server.ts";
import type { CASES } from "./messages.ts";

/** Defines the tests of a server of this package with the WebSocket of a browser. */
export function testNativeClient(browserOf: () => TestBrowser, cases: typeof CASES): void {
  let server: Server;
  let page: TestPage;

  beforeAll(async () => {
    server = await serveEcho();
    page = await browserOf().newPage();
    // On a page of the server, because by default it accepts only requests of its origin.
    await page.goto(`http://127.0.0.1:${server.port}/`);
  });

  afterAll(() => server.stop());

  it.each(cases)("exchanges %s", async (_, kind, length) => {
    expect(await page.evaluate(exchange, { kind, length })).toEqual({
      isSame: true,
      close: { code: 1000, wasClean: true },
    });
  });

  it("selects the first of its subprotocols that is offered", async () => {
    const protocol = await page.evaluate(async () => {
      const socket = new WebSocket(`ws://${location.host}/echo`, ["a", "b"]);
      await new Promise((resolve, reject) => {
        socket.onopen = resolve;
        socket.onerror = reject;
      });
      socket.close();
      return socket.protocol;
    }, undefined);
    expect(protocol).toBe("b");
  });

  it.each(["shared", "dedicated"])(
    "compresses in both directions with a %s context",
    async (context) => {
      const results = await page.evaluate(async (path) => {
        const socket = new WebSocket(`ws://${location.host}${path}`);
        await new Promise((resolve, reject) => {
          socket.onopen = resolve;
          socket.onerror = reject;
        });
        const same: boolean[] = [];
        for (const length of [0, 10, 1024, 5000, 100_000, 100_000]) {
          const text = "tidé".repeat(length / 4);
          socket.send(text);
          const { data } = await new Promise<MessageEvent>((resolve) => {
            socket.onmessage = resolve;
          });
          same.push(data === text);
        }
        socket.close();
        return { same, extensions: socket.extensions };
      }, `/${context}`);
      expect(results.same).toEqual([true, true, true, true, true, true]);
      expect(results.extensions).toContain("permessage-deflate");
    },
  );

  it("closes with a code and a reason", async () => {
    const received = await page.evaluate(async () => {
      const socket = new WebSocket(`ws://${location.host}/farewell`);
      socket.onopen = () => socket.send("ça va");
      const { code, reason, wasClean } = await new Promise<CloseEvent>((resolve) => {
        socket.onclose = resolve;
      });
      return { code, reason, wasClean };
    }, undefined);
    expect(received).toEqual({ code: 4001, reason: "ça va", wasClean: true });
  });
}

/** Runs in the page: sends one message, compares the echo and closes with 1000. */
async function exchange({ kind, length }: { kind: "text" | "binary"; length: number }): Promise<{
  isSame: boolean;
  close: { code: number; wasClean: boolean };
}> {
  const socket = new WebSocket(`ws://${location.host}/echo`);
  socket.binaryType = "arraybuffer";
  const closed = new Promise<CloseEvent>((resolve) => {
    socket.onclose = resolve;
  });
  const text = kind === "text" ? "aé€😀".repeat(length / 10) + "z".repeat(length % 10) : "";
  const bytes = new Uint8Array(kind === "binary" ? length : 0);
  for (let at = 0; at < bytes.length; at++) bytes[at] = at * 167 + (at >> 8);

  socket.onopen = () => socket.send(kind === "text" ? text : bytes);
  const data = await new Promise<unknown>((resolve, reject) => {
    socket.onmessage = (event) => resolve(event.data);
    socket.onerror = () => reject(new Error("the connection failed"));
  });
  const isSame =
    data instanceof ArrayBuffer
      ? kind === "binary" &&
        data.byteLength === length &&
        new Uint8Array(data).every((byte, at) => byte === bytes[at])
      : data === text && kind === "text";
  socket.close(1000);
  const { code, wasClean } = await closed;
  return { isSame, close: { code, wasClean } };
}
