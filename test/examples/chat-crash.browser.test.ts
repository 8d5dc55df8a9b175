import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { Balancer } from "../crash/balancer.ts";
import { describeInBrowser, launchBrowser } from "../support/browser.ts";
import { Engine } from "../support/engine.ts";
import { describeWithEngine } from "../support/with-engine.ts";
import { ChatServer } from "./chat-server.ts";
import { ChatPage } from "./chat-page.ts";
import { expectUsers, PlainClient } from "./plain-client.ts";

const ROUNDS = 4;
const MESSAGES_A_ROUND = 5;

describeInBrowser("the page of a chat on several servers", () => {
  describeWithEngine("redis", "with Redis", (path) => {
    let browser: Browser;
    let engine: Engine;
    let balancer: Balancer;
    /** Two behind the balancer, and one without it. */
    let servers: ChatServer[];

    beforeAll(async () => {
      browser = await launchBrowser();
    });

    afterAll(() => browser.close());

    beforeEach(async () => {
      engine = await Engine.redis(path);
      const broker = `redis://127.0.0.1:${engine.port}`;
      servers = await Promise.all([1, 2, 3].map(() => ChatServer.start(broker)));
      balancer = await Balancer.before(servers.slice(0, 2));
    });

    afterEach(async () => {
      await balancer[Symbol.asyncDispose]();
      await Promise.all(servers.map((server) => server.kill()));
      await engine[Symbol.asyncDispose]();
    });

    it("shows every message once and in order while servers are killed", async () => {
      const url = `http://127.0.0.1:${balancer.port}/?room=tides`;
      const ana = await ChatPage.join(browser, url, "Ana");
      const bo = await PlainClient.join(`${servers[2].url}?room=tides`, "Bo");
      await ana.seesPeople("Ana", "Bo");
      await expectUsers(bo, "Ana", "Bo");

      const said: Record<"ana" | "bo", string[]> = { ana: [], bo: [] };
      for (let round = 0; round < ROUNDS; round++) {
        const server = servers[round % 2];
        for (let count = 0; count < MESSAGES_A_ROUND; count++) {
          const number = round * MESSAGES_A_ROUND + count;
          said.ana.push(`ana ${number}`);
          said.bo.push(`bo ${number}`);
          bo.say(`bo ${number}`);
          await ana.say(`ana ${number}`);
          // One of the two has the connection of the page.
          if (count === 2) await server.kill();
        }
        await server.start();
        await ana.sees(said.ana.at(-1)!);
      }
      await ana.say("the end");

      const received: unknown[] = [];
      while (received.at(-1) !== "the end") received.push((await bo.next("message"))["text"]);
      await ana.sees("the end");
      expect(await ana.messages()).toEqual(received);
      expect(await ana.pending()).toEqual([]);
      for (const name of ["ana", "bo"] as const) {
        expect(received.filter((text) => String(text).startsWith(name))).toEqual(said[name]);
      }
      const notices = await ana.page.locator("#messages .notice").allInnerTexts();
      expect(notices.filter((text) => text.startsWith("Back online"))).not.toEqual([]);
      expect(notices.join()).not.toContain("missing here");
      await ana.seesPeople("Ana", "Bo");
      await ana.screenshot("chat-recovered");
      bo.socket.terminate();
      expect(ana.errors).toEqual([]);
      await ana.close();
    });

    it("shows the latest messages on another server", async () => {
      const bo = await PlainClient.join(servers[2].url, "Bo");
      for (let count = 0; count < 60; count++) bo.say(`message ${count}`);
      for (let count = 0; count < 60; count++) await bo.next("message");
      const ana = await ChatPage.join(browser, `http://127.0.0.1:${balancer.port}/`, "Ana");
      await ana.sees("message 59");
      const latest = Array.from({ length: 50 }, (_, index) => `message ${index + 10}`);
      expect(await ana.messages()).toEqual(latest);
      bo.socket.terminate();
      expect(ana.errors).toEqual([]);
      await ana.close();
    });
  });
});
