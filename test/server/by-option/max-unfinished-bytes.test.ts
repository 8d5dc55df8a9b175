import type { Socket } from "tideway/server";
import { describe, expect, it } from "vitest";
import { handshake, nextMessage, openClient, RawClient } from "../../support/clients.ts";
import { SERVER_KINDS } from "../../support/server-kinds.ts";

/** The header of a masked binary frame without FIN, and `length` bytes of its payload. */
function begun(length: number): string {
  const header = String.fromCharCode(
    0x02,
    0xff,
    0,
    0,
    0,
    0,
    0,
    length >>> 16,
    (length >>> 8) & 255,
  );
  return `${header}${String.fromCharCode(length & 255)}\0\0\0\0${"x".repeat(length)}`;
}

describe.each(SERVER_KINDS)("maxUnfinishedBytes, over $name,", ({ start }) => {
  it("bounds the unfinished messages of all peers together and leaves whole messages unaffected", async () => {
    await using server = await start(
      {
        "ws:/echo": async (socket: Socket) => {
          for await (const message of socket) socket.send(message);
        },
      },
      { maxUnfinishedBytes: 300_000 },
    );
    const client = await openClient(server, "/echo");
    const attackers = Array.from({ length: 5 }, () => new RawClient(server));
    for (const attacker of attackers) {
      attacker.send(handshake("/echo"));
      await attacker.receives("101 Switching Protocols");
      attacker.send(begun(100_000));
    }
    // There is room for at most two; 1013 means "try again later".
    let refusedCount = 0;
    for (const attacker of attackers) {
      void attacker.receives("\x03\xf5").then(() => refusedCount++);
    }
    await expect.poll(() => refusedCount).toBeGreaterThanOrEqual(3);
    client.send("unharmed");
    expect(await nextMessage(client)).toBe("unharmed");

    for (const { socket } of attackers) socket.destroy();
    await expect.poll(() => server.sockets.size).toBe(1);
    client.send(Buffer.alloc(200_000));
    expect((await nextMessage(client)).length).toBe(200_000);
  });
});
