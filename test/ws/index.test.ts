import { resolve } from "node:path";
import { rolldown } from "rolldown";
import { expect, it } from "vitest";
import DefaultExport, {
  createWebSocketStream,
  PerMessageDeflate,
  Receiver,
  Sender,
  Server,
  WebSocket,
  WebSocketServer,
} from "../../src/ws/index.ts";

/** The exports that are properties of the class too. */
const STATICS = {
  WebSocket,
  WebSocketServer,
  Server,
  createWebSocketStream,
  Receiver,
  Sender,
  PerMessageDeflate,
};

it("the default export is the class, with the other exports as properties", () => {
  expect(DefaultExport).toBe(WebSocket);
  expect(Object.entries(WebSocket)).toEqual(expect.arrayContaining(Object.entries(STATICS)));
});

it("the class keeps its properties in a bundle that uses no other export", async () => {
  const path = JSON.stringify(resolve("src/ws/index.ts"));
  const names = JSON.stringify(Object.keys(STATICS));
  const bundle = await rolldown({
    input: "program",
    platform: "node",
    plugins: [
      {
        name: "program",
        resolveId: (id) => (id === "program" ? id : undefined),
        load: (id) =>
          id === "program"
            ? `import WebSocket from ${path}; export const types = ${names}.map((name) => typeof WebSocket[name]);`
            : undefined,
      },
    ],
  });
  const { output } = await bundle.generate({ codeSplitting: false });
  await bundle.close();
  const url = `data:text/javascript,${encodeURIComponent(output[0].code)}`;
  const { types } = (await import(/* @vite-ignore */ url)) as { types: string[] };
  expect(types).toEqual(Object.keys(STATICS).map(() => "function"));
});
