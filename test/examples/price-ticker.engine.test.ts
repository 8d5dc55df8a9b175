import { ReconnectingWebSocket } from "tideway";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Price } from "../../examples/price-ticker/src/prices.ts";
import { handshake, RawClient, statusOf } from "../support/clients.ts";
import { Engine } from "../support/engine.ts";
import { describeWithEngine } from "../support/with-engine.ts";
import { runToEnd } from "./example-process.ts";
import { Ticker } from "./ticker.ts";

describeWithEngine("redis", "the price ticker", (path) => {
  let engine: Engine;
  let ticker: Ticker;

  beforeAll(async () => {
    engine = await Engine.redis(path);
    ticker = await Ticker.start(engine);
  });

  afterAll(async () => {
    await ticker.stop();
    await engine[Symbol.asyncDispose]();
  });

  it("lists its servers for a page, and refuses pages of other origins with 403", async () => {
    const [url] = ticker.urls;
    expect(await (await fetch(`${url}/servers`)).json()).toEqual(ticker.urls);
    const statusFor = async (origin: string): Promise<number> => {
      const client = new RawClient(Number(new URL(url).port));
      client.send(handshake("/prices", { Origin: origin }));
      const status = statusOf(await client.receives("\r\n\r\n"));
      client.socket.destroy();
      return status;
    };
    expect(await statusFor(ticker.urls[1])).toBe(101);
    expect(await statusFor("https://other.example")).toBe(403);
  });

  // The last test, because it kills a server.
  it("sends every price once, in sequence, to a client that changes servers after a crash", async () => {
    const numbers: number[] = [];
    let position = "";
    let attempts = 0;
    const socket = new ReconnectingWebSocket(
      () => {
        const url = ticker.urls[attempts++ % 2].replace("http", "ws");
        return `${url}/prices?since=${encodeURIComponent(position)}`;
      },
      { initialDelayMs: 10 },
    );
    for await (const { data } of socket.onMessage) {
      const message = JSON.parse(data as string) as {
        type: string;
        position: string;
        text: string;
      };
      ({ position } = message);
      if (message.type !== "publication") continue;
      numbers.push((JSON.parse(message.text) as Price).number);
      if (numbers.length === 5) await ticker.kill(0);
      if (numbers.length === 10) break;
    }
    socket.close();
    expect(numbers).toEqual(numbers.map((_, index) => numbers[0] + index));
    expect(attempts).toBeGreaterThan(1);
  });
});

it("reports that Redis does not answer, and exits", { timeout: 20_000 }, async () => {
  const environment = { REDIS_URL: "redis://127.0.0.1:1", PORT: "0" };
  const { exitCode, stderr } = await runToEnd("price-ticker/dist/server.js", { environment });
  expect(exitCode).toBe(1);
  expect(stderr).toBe(
    "Redis does not answer at redis://127.0.0.1:1. Start redis-server, or set REDIS_URL.\n",
  );
});
