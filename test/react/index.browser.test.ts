import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { rolldown } from "rolldown";
import { type AuthorizeRequest, channels, type Channels } from "tideway/channels/server";
import { serve, type Server } from "tideway/server";
import { Topics } from "tideway/topics";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { describeInBrowser, launchBrowser } from "../support/browser.ts";
import { contract } from "./contract.ts";

const HTML = `<!doctype html><div id="root"></div><script type="module" src="/page.js"></script>`;

/** Where the page finds React. */
const VERSIONS = { 19: "../../node_modules", 18: "react-18/node_modules" };

const pathTo = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Bundles the page with a version of React, in its development mode, in which StrictMode mounts twice. */
async function bundlePage(modules: string): Promise<string> {
  const bundle = await rolldown({
    input: pathTo("page-program.ts"),
    resolve: {
      alias: { react: pathTo(`${modules}/react`), "react-dom": pathTo(`${modules}/react-dom`) },
    },
    transform: { define: { "process.env.NODE_ENV": '"development"' } },
    logLevel: "silent",
  });
  const { output } = await bundle.generate({ format: "esm" });
  await bundle.close();
  return output[0].code;
}

describeInBrowser("the hooks in Chromium, in StrictMode", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser.close();
  });

  describe.each([19, 18] as const)("with React %i", (version) => {
    let code: string;
    let server: Server;
    let topics: Topics;
    let api: Channels<typeof contract, { readonly isUser: boolean }>;
    let page: Page;
    /** The requests of the client, in their order. */
    let requests: string[];

    beforeAll(async () => {
      code = await bundlePage(VERSIONS[version]);
    });

    beforeEach(async () => {
      requests = [];
      topics = new Topics();
      api = channels(contract, {
        topics,
        authorize: ({ auth }: AuthorizeRequest) => {
          requests.push(`authorize ${String(auth)}`);
          return { state: { isUser: true } };
        },
        rules: {
          "rooms/:room": {
            subscribe: ({ params }) => params.room === "tides",
            enter: () => ({ id: "ana", data: { name: "Ana" } }),
          },
        },
        calls: {
          add: ({ a, b }) => a + b,
          count: async function* ({ to }) {
            for (let number = 1; number <= to; number++) yield number;
          },
        },
        intercept: ({ kind, name }, next) => {
          requests.push(`${kind} ${name}`);
          return next();
        },
        onError: () => {},
      });
      server = await serve({
        port: 0,
        host: "127.0.0.1",
        routes: {
          "/": () => new Response(HTML, { headers: { "content-type": "text/html" } }),
          "/page.js": () => new Response(code, { headers: { "content-type": "text/javascript" } }),
          "ws:/api": api.route(),
        },
      });
      await api.topic("rooms/:room", { room: "tides" }).publish("first");
      page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${server.port}/`);
      await expectShown("state", "open");
    });

    afterEach(async () => {
      await page.close();
      await server.stop();
      await topics.close();
    });

    const publish = (text: string): Promise<unknown> =>
      api.topic("rooms/:room", { room: "tides" }).publish(text);

    const expectShown = async (id: string, value: unknown): Promise<void> => {
      await page.locator(`#${id}`, { hasText: JSON.stringify(value) }).waitFor();
    };

    it("connect, subscribe and stream once", async () => {
      await expectShown("messages", ["first"]);
      await expectShown("stream", ["ended", [1, 2, 3]]);
      await expectShown("refused", ["failed", "FORBIDDEN"]);
      await publish("second");
      await expectShown("messages", ["first", "second"]);
      expect(requests.toSorted()).toEqual([
        "authorize token",
        "stream count",
        "subscribe rooms/closed",
        // For the messages, and for the members.
        "subscribe rooms/tides",
        "subscribe rooms/tides",
      ]);
    });

    it("call a handler and show its output", async () => {
      await expectShown("sum", ["idle", null]);
      await page.locator("#add").click();
      await expectShown("sum", ["succeeded", 3]);
    });

    it("show members", async () => {
      await expectShown("members", []);
      await page.locator("#enter").click();
      await expectShown("members", ["ana"]);
    });

    it("continue after a lost connection, without a gap or a doubled message", async () => {
      await expectShown("messages", ["first"]);
      for (const socket of server.sockets) socket.terminate();
      await publish("second");
      await expectShown("messages", ["first", "second"]);
      await expectShown("state", "open");
    });

    it("close the client with the component, and connect again with another one", async () => {
      await page.locator("#toggle").click();
      await expect.poll(() => api.sessions().length).toBe(0);
      await page.locator("#toggle").click();
      await expectShown("messages", ["first"]);
      expect(api.sessions()).toHaveLength(1);
    });
  });
});
