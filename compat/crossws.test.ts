import { once } from "node:events";
import type { Peer } from "crossws";
import createAdapter from "crossws/adapters/node";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { closeOf, nextMessage, openClient } from "../test/support/clients.ts";
import { implementation } from "./support/implementation.ts";
import { cuttable, listen } from "./support/servers.ts";

/** An HTTP server with an adapter that publishes each message to a topic. `/refused` is refused. */
async function serve(): Promise<{
  adapter: ReturnType<typeof createAdapter>;
  closed: Array<number | undefined>;
  port: number;
  url: string;
}> {
  const closed: Array<number | undefined> = [];
  const errors: unknown[] = [];
  const adapter = createAdapter({
    wss: new implementation.WebSocketServer({
      noServer: true,
      handleProtocols: () => false,
    }) as never,
    hooks: {
      upgrade(request) {
        if (new URL(request.url).pathname === "/refused")
          return new Response("no", { status: 403 });
        const compressed = new URL(request.url).search === "?compressed";
        return {
          headers: { "x-harbour": "open" },
          ...(compressed && { perMessageDeflate: { threshold: 0 } }),
        };
      },
      open(peer) {
        peer.subscribe("room");
        peer.send("welcome");
      },
      message(peer, message) {
        const text = message.text();
        if (text === "address") peer.send(String(peer.remoteAddress));
        else peer.publish("room", message.rawData);
      },
      close: (_peer, { code }) => void closed.push(code),
      error: (_peer, error) => void errors.push(error),
    },
  });
  const { http, port, url } = await listen();
  http.on("upgrade", (request, socket, head) => {
    void adapter.handleUpgrade(request, socket, head);
  });
  onTestFinished(async () => {
    adapter.closeAll(undefined, undefined, true);
    await adapter.close();
    expect(errors).toEqual([]);
  });
  return { adapter, closed, port, url };
}

describe("crossws's adapter for Node.js", () => {
  it("publishes text and binary data to the other peers of a topic", async () => {
    const { url } = await serve();
    const [anna, ben] = [await openClient(url), await openClient(url)];
    expect([await nextMessage(anna), await nextMessage(ben)]).toEqual(["welcome", "welcome"]);
    anna.send("ahoy");
    anna.send(Buffer.of(1, 2, 3));
    anna.send("address");
    expect(await nextMessage(ben)).toBe("ahoy");
    expect(await nextMessage(ben)).toEqual(Buffer.of(1, 2, 3));
    expect(await nextMessage(anna)).toBe("127.0.0.1");
  });

  it("adds headers to a handshake, and refuses with the response of a hook", async () => {
    const { url } = await serve();
    const client = new implementation.WebSocket(url.replace("http", "ws"));
    onTestFinished(() => client.terminate());
    const [response] = (await once(client, "upgrade")) as [{ headers: Record<string, string> }];
    expect(response.headers["x-harbour"]).toBe("open");
    await expect(openClient(url, "/refused")).rejects.toThrow("403");
  });

  it("turns compression on for one request", async () => {
    const { url } = await serve();
    const options = { perMessageDeflate: true };
    const plain = await openClient(url, "/", [], options);
    const compressed = await openClient(url, "/?compressed", [], options);
    expect([plain.extensions, compressed.extensions]).toEqual(["", "permessage-deflate"]);
    expect(await nextMessage(compressed)).toBe("welcome");
    expect(await nextMessage(plain)).toBe("welcome");
    compressed.send("x".repeat(5000));
    expect(await nextMessage(plain)).toBe("x".repeat(5000));
  });

  it("removes a peer when its connection breaks, and serves it again", async () => {
    const { adapter, closed, port, url } = await serve();
    const proxy = await cuttable(port);
    const stays = await openClient(url);
    const breaks = await openClient(`http://127.0.0.1:${proxy.port}`);
    const broken = closeOf(breaks);
    proxy.cut();
    expect((await broken).code).toBe(1006);
    await vi.waitFor(() => expect(closed).toEqual([1006]));
    const again = await openClient(`http://127.0.0.1:${proxy.port}`);
    expect(await nextMessage(again)).toBe("welcome");
    again.send("back");
    expect(await nextMessage(stays)).toBe("welcome");
    expect(await nextMessage(stays)).toBe("back");
    const peers: Peer[] = [...adapter.peers.values()].flatMap((set) => [...set]);
    expect(peers).toHaveLength(2);
  });

  it("pings idle peers, and terminates peers without an answer", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    const { closed, url } = await serve();
    const answers = await openClient(url);
    const silent = await openClient(url, "/", [], { autoPong: false });
    const gone = closeOf(silent);
    const pinged = Promise.all([once(answers, "ping"), once(silent, "ping")]);
    vi.advanceTimersByTime(30_000);
    const [[payload]] = (await pinged) as [[Buffer], [Buffer]];
    expect(payload.toString()).toBe("crossws-ping");
    // The answer has arrived when the server has answered a later message.
    expect(await nextMessage(answers)).toBe("welcome");
    answers.send("address");
    expect(await nextMessage(answers)).toBe("127.0.0.1");
    vi.advanceTimersByTime(30_000);
    expect((await gone).code).toBe(1006);
    expect(answers.readyState).toBe(implementation.WebSocket.OPEN);
    expect(closed).toEqual([1006]);
  });
});
