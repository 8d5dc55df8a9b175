import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { ExampleProcess } from "./example-process.ts";

const EXAMPLES = [
  { main: "chat/dist/main.js", path: "/chat" },
  { main: "content-type/dist/main.js", path: "/contentType" },
  { main: "echo/dist/server.js", path: "/", args: ["--port", "0"] },
];

const SIGNALS = ["SIGTERM", "SIGINT"] as const;

let server: ExampleProcess;

afterEach(async () => {
  await server.kill("SIGKILL");
});

// On Windows, Node.js ends a process at once instead of sending it a signal.
const isPosix = process.platform !== "win32";

/** Starting a process takes a while on a busy machine. */
describe.runIf(isPosix).each(EXAMPLES)(
  "$main",
  { timeout: 20_000 },
  ({ main, path, args = [] }) => {
    async function startWithClient(): Promise<WebSocket> {
      server = await ExampleProcess.start(main, { args, environment: { PORT: "0" } });
      const client = new WebSocket(`ws://localhost:${server.port}${path}`);
      client.on("error", () => {});
      await once(client, "open");
      return client;
    }

    it.each(SIGNALS)("closes its clients with 1012 and exits with 0 on %s", async (signal) => {
      const client = await startWithClient();
      const ended = server.kill(signal);
      expect((await once(client, "close"))[0]).toBe(1012);
      expect(await ended).toMatchObject({ exitCode: 0, signal: null, stderr: "" });
    });

    it("exits at once on a second signal of either kind", async () => {
      const client = await startWithClient();
      const closing = once(client, "close");
      // A client that does not read sends no Close frame, which would delay the server.
      client.pause();
      void server.kill("SIGTERM");
      await server.stopsListening();
      expect(await server.kill("SIGINT")).toMatchObject({ signal: "SIGINT" });
      client.resume();
      await closing;
    });
  },
);
