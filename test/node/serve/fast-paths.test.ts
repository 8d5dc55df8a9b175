/**
 * Servers and clients use fast paths unless the environment variable TIDEWAY_FAST_PATHS disables
 * them.
 */
import { expect, it, vi } from "vitest";
import { load, recordFastPaths, routesOf, type Tideway } from "./fast-path-recorder.ts";

const used = recordFastPaths();

/** Exchanges a compressed message between a client and a server of the package. */
async function converse({ serve, WebSocket }: Tideway): Promise<void> {
  await using running = await serve({ port: 0, compression: true, routes: routesOf() });
  const socket = new WebSocket(`ws://localhost:${running.port}/`);
  await socket.onOpen.first;
  expect(socket.extensions).toContain("permessage-deflate");
  const text = "compressed ".repeat(100);
  socket.send(text);
  expect((await socket.onMessage.first).data).toBe(text);
  socket.close();
  await socket.onClose.first;
}

it.each([[undefined], [""], ["1"]])("TIDEWAY_FAST_PATHS=%s leaves fast paths on", async (value) => {
  await converse(await load(value));
  expect([...used]).toEqual(
    expect.arrayContaining(["dispatchMessage", "tcp.write", "zlib.createInflater"]),
  );
});

it("TIDEWAY_FAST_PATHS=0 switches fast paths off for servers and clients", async () => {
  const emitWarning = vi.spyOn(process, "emitWarning");
  await converse(await load("0"));
  expect([...used]).toEqual([]);
  expect(emitWarning).not.toHaveBeenCalled();
});

it("TIDEWAY_FAST_PATHS=off switches them off with a warning", async () => {
  const emitWarning = vi.spyOn(process, "emitWarning").mockReturnValue();
  await converse(await load("off"));
  expect([...used]).toEqual([]);
  expect(emitWarning).toHaveBeenCalledWith(
    'TIDEWAY_FAST_PATHS is "off"; set it to 0 or 1. Fast paths are switched off.',
  );
});
