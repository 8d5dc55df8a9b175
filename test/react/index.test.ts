import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { createElement, type FunctionComponent, StrictMode } from "react";
import { renderToString } from "react-dom/server";
import { rolldown } from "rolldown";
import { connect } from "tideway/channels";
import {
  useCall,
  useClient,
  useConnectionState,
  useMembers,
  useStream,
  useTopic,
} from "tideway/react";
import { serve } from "tideway/server";
import { expect, it } from "vitest";

const ENTRY = fileURLToPath(new URL("../../src/react/index.ts", import.meta.url));

const MAX_BYTES = 2_200;

it(`all hooks have at most ${MAX_BYTES} bytes together, and contain neither React nor a client`, async () => {
  const bundle = await rolldown({ input: ENTRY, external: ["react"], logLevel: "silent" });
  const { output } = await bundle.generate({ minify: true });
  await bundle.close();
  expect(output[0].imports).toEqual(["react"]);
  expect(gzipSync(output[0].code, { level: 9 }).length).toBeLessThanOrEqual(MAX_BYTES);
  const modules = output[0].moduleIds.map((id) => id.replaceAll("\\", "/"));
  expect(modules.filter((id) => /\/src\/(?!react\/|errors\/)/.test(id))).toEqual([]);
});

it("marks its modules for React Server Components as modules of the client", async () => {
  expect(await readFile(ENTRY, "utf8")).toMatch(/^"use client";\n/);
});

it("opens no connection while rendering on a server", async () => {
  const server = await serve({ port: 0, host: "127.0.0.1", routes: { "ws:/api": () => {} } });
  const { port } = server;
  let rendered: unknown;
  const Page: FunctionComponent = () => {
    const client = useClient(() => connect(`ws://127.0.0.1:${port}/api`));
    const states = [
      useConnectionState(client),
      useTopic(client, "rooms/1").status,
      useMembers(client, "rooms/1").status,
      useStream(client, "count").status,
      useCall(client, "add").status,
    ];
    rendered = [client, ...states];
    return createElement("p", null, states.join(" "));
  };
  const html = renderToString(createElement(StrictMode, null, createElement(Page)));
  expect(html).toBe("<p>connecting idle idle idle idle</p>");
  expect(rendered).toEqual([undefined, "connecting", "idle", "idle", "idle", "idle"]);
  // The requests of a server arrive in the order of the connections.
  await fetch(`http://127.0.0.1:${port}/`);
  expect(server.sockets.size).toBe(0);
  await server.stop();
});

it("has React as an optional peer dependency", async () => {
  const manifest = JSON.parse(await readFile("package.json", "utf8")) as Record<string, object>;
  expect(manifest["dependencies"]).not.toHaveProperty("react");
  expect(manifest["peerDependencies"]).toHaveProperty("react", ">=18.0.0");
  expect(manifest["peerDependenciesMeta"]).toHaveProperty("react", { optional: true });
});
