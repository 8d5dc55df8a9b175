import { channels } from "tideway/channels/server";
import { serve, type Server } from "tideway/server";
import { Topics } from "tideway/topics";
import { afterAll, beforeAll, expect, it } from "vitest";
import type * as Client from "../../../src/browser/channels.ts";
import { bundleForBrowser } from "../../browser/bundle.ts";
import type { TestBrowser, TestPage } from "../../support/pages.ts";
import { text } from "../server/support.ts";

/** The exports of the client's module, as the page sees them. */
interface InPage {
  readonly tideway: typeof Client;
}

/** The values that a page keeps between the steps of a test. */
interface KeptPage {
  readonly client: ReturnType<typeof Client.connect>;
  readonly lines: readonly unknown[];
}

const HTML = `<script type="module">
  import * as tideway from "/client.js";
  Object.assign(globalThis, { tideway });
</script>`;

/** Defines the tests of a client of channels in a page. */
export function testChannelClient(browserOf: () => TestBrowser): void {
  const topics = new Topics();
  const api = channels(
    { topics: { "logs/:name": { message: text, member: text } } },
    {
      topics,
      authorize: () => ({ state: {} }),
      rules: {
        "logs/:name": {
          subscribe: true,
          publish: true,
          enter: () => ({ id: "ann", data: "Ann" }),
        },
      },
    },
  );
  let server: Server;
  let page: TestPage;

  beforeAll(async () => {
    const code = await bundleForBrowser(["connect"], "channels.ts");
    server = await serve({
      port: 0,
      host: "127.0.0.1",
      routes: {
        "/": () => new Response(HTML, { headers: { "content-type": "text/html" } }),
        "/client.js": () => new Response(code, { headers: { "content-type": "text/javascript" } }),
        "ws:/api": api.route(),
      },
    });
    page = await browserOf().newPage();
    await page.goto(`http://127.0.0.1:${server.port}/`);
    await page.waitFor(() => "tideway" in globalThis);
  });

  afterAll(async () => {
    await server.stop();
    await topics.close();
  });

  it("leaves its topics when the browser keeps the page for later, and continues when it shows the page", async () => {
    const topic = api.topic("logs/:name", { name: "kept" });
    await page.evaluate(async () => {
      const { connect } = (globalThis as unknown as InPage).tideway;
      const client = connect(`ws://${location.host}/api`, { initialDelayMs: 60_000 });
      const kept = client.topic("logs/:name", { name: "kept" });
      const lines: unknown[] = [];
      Object.assign(globalThis, { client, lines });
      void (async () => {
        for await (const { data } of kept.messages({ last: 1 })) lines.push(data);
      })();
      await kept.enter();
      dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }));
    }, undefined);
    await expect.poll(() => topic.members()).toEqual([]);
    await topic.publish("while it was away");
    // The page must be shown more than two seconds after the client has connected.
    await page.waitFor(() => {
      dispatchEvent(new Event("visibilitychange"));
      return (globalThis as unknown as KeptPage).client.state === "open";
    });
    await expect.poll(() => topic.members()).toEqual([{ id: "ann", data: "Ann" }]);
    const lines = await page.evaluate(async () => {
      const kept = globalThis as unknown as KeptPage;
      await kept.client.close();
      return kept.lines;
    }, undefined);
    expect(lines).toEqual(["while it was away"]);
  });

  it("reads nine fast topics next to a stalled one, and then that one in order through a lost connection", async () => {
    const reading = page.evaluate(async () => {
      const { connect } = (globalThis as unknown as InPage).tideway;
      const client = connect(`ws://${location.host}/api`, {
        creditBytes: 1_000,
        initialDelayMs: 1,
      });
      const topicOf = (name: number) => client.topic("logs/:name", { name: `${name}` });
      const readers = Array.from({ length: 10 }, (_, name) =>
        topicOf(name).messages({ last: 1_000 }),
      );
      const take = async (reader: (typeof readers)[number], count: number): Promise<string> => {
        const lines: unknown[] = [];
        while (lines.length < count) lines.push(Number((await reader.next()).value?.data));
        return lines.join();
      };
      const starts = await Promise.all(readers.map((reader) => take(reader, 1)));
      document.title = "subscribed";
      const [stalled, ...fast] = readers;
      const received = await Promise.all(fast.map((reader) => take(reader, 40)));
      client.reconnect();
      const late = await take(stalled, 40);
      await client.close();
      return { starts, received, late };
    }, undefined);
    const publish = async (line: number): Promise<void> => {
      for (let name = 0; name < 10; name++) {
        await api.topic("logs/:name", { name: `${name}` }).publish(`${line}`.padStart(200, " "));
      }
    };
    await publish(0);
    await page.waitFor(() => document.title === "subscribed");
    for (let line = 1; line <= 40; line++) await publish(line);
    const all = Array.from({ length: 40 }, (_, index) => index + 1).join();
    expect(await reading).toEqual({
      starts: Array.from({ length: 10 }, () => "0"),
      received: Array.from({ length: 9 }, () => all),
      late: all,
    });
  });
}
