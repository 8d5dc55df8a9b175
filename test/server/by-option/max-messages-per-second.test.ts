import type { Socket } from "tideway/server";
import { describe, expect, it, vi } from "vitest";
import { handshake, nextMessage, openClient, RawClient } from "../../support/clients.ts";
import { SERVER_KINDS, type StartedServer } from "../../support/server-kinds.ts";

/** A masked frame with a masking key of zeros. */
function frame(first: number, payload = ""): string {
  return `${String.fromCharCode(first, 0x80 | payload.length)}\0\0\0\0${payload}`;
}

describe.each(SERVER_KINDS)("maxMessagesPerSecond, over $name,", ({ start }) => {
  const onError = vi.fn<(error: unknown) => void>();
  const received: unknown[] = [];
  const begin = async (): Promise<StartedServer> => {
    received.length = 0;
    return await start(
      {
        "ws:/limited": {
          maxMessagesPerSecond: 100,
          handle: async (socket: Socket) => {
            for await (const message of socket) received.push(message);
          },
        },
        "ws:/echo": async (socket: Socket) => {
          for await (const message of socket) socket.send(message);
        },
      },
      { onError },
    );
  };

  it.each([
    ["text messages", frame(0x81, "x")],
    ["empty messages", frame(0x82)],
    ["messages in two fragments", frame(0x01) + frame(0x80)],
    ["pings", frame(0x89)],
    ["unsolicited pongs", frame(0x8a, "x")],
  ])(
    "closes the connection with 1008 on a flood of %s and leaves others open",
    async (_what, frames) => {
      await using server = await begin();
      const other = await openClient(server, "/echo");
      const client = new RawClient(server).send(handshake("/limited") + frames.repeat(10_000));
      expect(await client.closed()).toContain(
        "\x03\xf0the peer sent more messages in a second than maxMessagesPerSecond 100",
      );
      await vi.waitFor(() => expect(server.sockets.size).toBe(1), 10_000);
      expect(received.length).toBeLessThanOrEqual(100);
      // The peer caused the close, so it is not reported as an error of the handler.
      expect(onError).not.toHaveBeenCalled();
      other.send("unharmed");
      expect(await nextMessage(other)).toBe("unharmed");
    },
  );

  it("makes a ReconnectingWebSocket stop reconnecting", async () => {
    await using server = await begin();
    const url = `${server.url.replace("http", "ws")}/limited`;
    const client = new server.ReconnectingWebSocket(url);
    await client.onOpen.first;
    for (let i = 0; i < 1000; i++) client.send("x");
    expect((await client.onClose.first).code).toBe(1008);
    expect(client.readyState).toBe(client.CLOSED);
  });
});
