import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { runChatToEnd, startChat } from "./chat-process.ts";
import type { ExampleProcess } from "./example-process.ts";
import { PlainClient } from "./plain-client.ts";

/** Starting a process takes a while on a busy machine. */
const TIMEOUT = 20_000;

describe("npm start", { timeout: TIMEOUT }, () => {
  let server: ExampleProcess | undefined;

  afterEach(async () => {
    await server?.kill("SIGKILL");
    server = undefined;
  });

  it("serves the chat, its modules and the other examples on one port", async () => {
    server = await startChat();
    const get = (path: string): Promise<Response> => fetch(new URL(path, server!.url));

    const page = await get("/");
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(await page.text()).toContain("<title>Tideway chat</title>");

    const types = {
      "/chat.css": "text/css",
      "/icon.svg": "image/svg+xml",
      "/page/main.js": "text/javascript",
      "/wire/wire.js": "text/javascript",
      "/tideway/browser/index.js": "text/javascript",
      "/contentType": "text/html",
      "/contentType/client.js": "text/javascript",
      "/contentType/style.css": "text/css",
      "/whiteboard/": "text/html",
      "/whiteboard/style.css": "text/css",
      "/whiteboard/page/main.js": "text/javascript",
      "/assistant/": "text/html",
      "/assistant/style.css": "text/css",
      "/assistant/page/main.js": "text/javascript",
    };
    for (const [path, type] of Object.entries(types)) {
      const response = await get(path);
      expect([path, response.status]).toEqual([path, 200]);
      expect(response.headers.get("content-type")?.split(";")[0]).toBe(type);
      await response.arrayBuffer();
    }

    const client = await PlainClient.join(`${server.url.replace("http", "ws")}chat`, "Ana");
    client.say("Hello");
    expect(await client.next("message")).toMatchObject({ name: "Ana", text: "Hello" });
    client.socket.close();

    const types2 = new WebSocket(`${server.url.replace("http", "ws")}contentType`);
    await once(types2, "open");
    types2.send("html");
    const [answer] = (await once(types2, "message")) as [Buffer];
    expect(answer.toString()).toBe("text/html");
    types2.close();
  });

  it("allows its pages to load and run only their own files", async () => {
    server = await startChat();
    const page = await fetch(server.url);
    const policy = page.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain("unsafe");
    expect(policy).not.toContain("*");
    expect(page.headers.get("x-content-type-options")).toBe("nosniff");
  });

  it.each(["/%2e%2e/package.json", "/page/..%2f..%2fpackage.json", "/src/main.ts", "/main.js"])(
    "does not serve %s",
    async (path) => {
      server = await startChat();
      const response = await fetch(server.url + path.slice(1));
      expect([400, 404]).toContain(response.status);
    },
  );

  it("names the port that is in use, and exits", async () => {
    const other = createServer().listen(0);
    await once(other, "listening");
    const address = other.address();
    const port = typeof address === "object" ? String(address?.port) : "";
    const { exitCode, stderr, stdout } = await runChatToEnd({ PORT: port });
    other.close();
    expect(exitCode).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toContain(`Port ${port} is in use.`);
    expect(stderr).not.toContain("    at ");
  });

  it.each([
    ["http://localhost", '--broker is "http://localhost", which is not a URL with redis:'],
    ["redis://user:secret@127.0.0.1:1", "No broker answers at redis://127.0.0.1:1 (ECONNREFUSED)."],
    ["nats://user:secret@127.0.0.1:1", "No broker answers at nats://127.0.0.1:1 (ECONNREFUSED)."],
  ])("explains why it cannot use the broker %s, and exits", async (broker, sentence) => {
    const { exitCode, stderr, stdout } = await runChatToEnd({ PORT: "0" }, ["--broker", broker]);
    expect(exitCode).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toContain(sentence);
    expect(stderr).not.toContain("secret");
    expect(stderr).not.toContain("    at ");
  });

  it("reports an invalid PORT, and exits", async () => {
    const { exitCode, stderr } = await runChatToEnd({ PORT: "http" });
    expect(exitCode).toBe(1);
    expect(stderr).toBe('PORT is "http", which is not a whole number from 0 to 65535.\n');
  });
});
