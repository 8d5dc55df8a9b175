import { once } from "node:events";
import { serve, type Server } from "tideway/server";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WebSocket } from "ws";
import type { Task } from "../../examples/json-api/src/messages.ts";
import { TaskClient } from "../../examples/json-api/src/task-client.ts";
import { TaskList } from "../../examples/json-api/src/task-route.ts";
import { ExampleProcess, runToEnd } from "./example-process.ts";

describe("the JSON API example", () => {
  let server: Server;
  let url: string;

  beforeEach(async () => {
    const routes = { "ws:/tasks": new TaskList().route };
    server = await serve({ port: 0, host: "127.0.0.1", routes });
    url = `${server.url.replace("http", "ws")}/tasks`;
  });

  afterEach(() => server.stop());

  it("adds, completes and lists tasks", async () => {
    const client = await TaskClient.connect(url);
    const [first, second] = await Promise.all([client.add(" Write tests "), client.add("Rest")]);
    expect(first).toEqual({ id: 1, title: "Write tests", isDone: false });
    expect(second).toEqual({ id: 2, title: "Rest", isDone: false });
    expect(await client.complete(1)).toEqual({ id: 1, title: "Write tests", isDone: true });
    expect((await client.list()).map(({ isDone }) => isDone)).toEqual([true, false]);
    client.close();
  });

  it("sends changes to every client", async () => {
    const onChange = vi.fn<(task: Task) => void>();
    const watcher = await TaskClient.connect(url, onChange);
    // The first reply shows that the server has the socket.
    await watcher.list();
    const client = await TaskClient.connect(url);
    const task = await client.add("Write tests");
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledWith(task));
    watcher.close();
    client.close();
  });

  it("rejects a call that the server cannot fulfil", async () => {
    const client = await TaskClient.connect(url);
    await expect(client.complete(7)).rejects.toThrow("There is no task 7.");
    client.close();
  });

  it("rejects pending calls when the connection closes", async () => {
    const client = await TaskClient.connect(url);
    // The schema refuses an empty title.
    await expect(client.add(" ")).rejects.toThrow("the connection closed with 1007");
    expect(await (await TaskClient.connect(url)).list()).toEqual([]);
  });

  it.each([
    ["text that is not JSON", "hello", 1007],
    ["an unknown type", '{"type":"remove","id":1}', 1007],
    ["a missing id", '{"type":"list"}', 1007],
    ["binary", Buffer.from('{"type":"list","id":1}'), 1003],
  ])("closes the connection on %s", async (_, message, code) => {
    const socket = new WebSocket(url);
    await once(socket, "open");
    socket.send(message);
    expect((await once(socket, "close"))[0]).toBe(code);
  });

  it("has a client that closes with 4000 when a message of the server fails validation", async () => {
    const codes: number[] = [];
    const other = await serve({
      port: 0,
      host: "127.0.0.1",
      routes: {
        "ws:/tasks": async (socket) => {
          socket.send('{"type":"tasks"}');
          codes.push((await socket.done).code);
        },
      },
    });
    await TaskClient.connect(`${other.url.replace("http", "ws")}/tasks`);
    await vi.waitFor(() => expect(codes).toEqual([4000]));
    await other.stop();
  });
});

describe("npm run client -w examples/json-api", { timeout: 20_000 }, () => {
  it("prints tasks, and errors of the server", async () => {
    const server = await ExampleProcess.start("json-api/dist/server.js", {
      environment: { PORT: "0" },
    });
    const run = async (...args: string[]): Promise<unknown> => {
      const environment = { URL: server.url };
      const { exitCode, stdout, stderr } = await runToEnd("json-api/dist/client.js", {
        args,
        environment,
      });
      return [exitCode, stdout + stderr];
    };
    try {
      expect(await run("add", "Write tests")).toEqual([0, "[ ] 1 Write tests\n"]);
      expect(await run("complete", "1")).toEqual([0, "[x] 1 Write tests\n"]);
      expect(await run("list")).toEqual([0, "[x] 1 Write tests\n"]);
      expect(await run("complete", "2")).toEqual([1, "There is no task 2.\n"]);
      expect(await run("remove")).toEqual([1, expect.stringContaining("usage: ")]);
    } finally {
      await server.kill("SIGKILL");
    }
  });
});
