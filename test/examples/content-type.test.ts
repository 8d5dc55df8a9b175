import { once } from "node:events";
import { serve, type Server } from "tideway/server";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { contentTypeRoutes } from "../../examples/content-type/src/routes.ts";

describe("ws:/contentType", () => {
  let server: Server;
  let socket: WebSocket;

  beforeEach(async () => {
    server = await serve({ port: 0, host: "127.0.0.1", routes: contentTypeRoutes });
    socket = new WebSocket(`ws://127.0.0.1:${server.port}/contentType`);
    await once(socket, "open");
  });

  afterEach(async () => {
    socket.terminate();
    await server.stop();
  });

  async function ask(extension: string): Promise<string> {
    const answered = once(socket, "message") as Promise<[Buffer]>;
    socket.send(extension);
    const [answer] = await answered;
    return answer.toString();
  }

  it.each([
    ["html", "text/html"],
    [".png", "image/png"],
    ["photo.JPG", "image/jpeg"],
    ["svg", "image/svg+xml"],
  ])("answers %s with %s", async (extension, type) => {
    expect(await ask(extension)).toBe(type);
  });

  it.each(["", "nonsense", "__proto__", "constructor", "toString", "../../etc/passwd"])(
    "answers %j with unknown",
    async (extension) => {
      expect(await ask(extension)).toBe("unknown");
    },
  );

  it("answers in the order of the questions", async () => {
    const answers: string[] = [];
    socket.on("message", (data: Buffer) => answers.push(data.toString()));
    for (const extension of ["css", "nonsense", "js"]) socket.send(extension);
    expect(await ask("mp4")).toBeDefined();
    while (answers.length < 4) await once(socket, "message");
    expect(answers).toEqual(["text/css", "unknown", "text/javascript", "video/mp4"]);
  });

  it("closes with 1003 on binary, and with 1009 on text longer than any extension", async () => {
    socket.send(Buffer.from("html"));
    expect((await once(socket, "close"))[0]).toBe(1003);
    const other = new WebSocket(socket.url);
    await once(other, "open");
    other.send("x".repeat(10_000));
    expect((await once(other, "close"))[0]).toBe(1009);
  });
});
