import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { Server as NetServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { WebSocket } from "tideway";
import { serve, type Server } from "tideway/server";
import {
  explainNoReusePort,
  hasReusePort,
  portFailed,
  readListenPlace,
} from "../../../src/node/serve/listen.ts";
import { gapsOf } from "../../../src/node/serve/runtime-gaps.ts";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tideway-"));
  return () => rm(folder, { recursive: true });
});

const start = async (path: string): Promise<Server> => {
  const server = await serve({
    path,
    routes: {
      "/": (_request, { remoteAddress }) =>
        new Response(`page for ${JSON.stringify(remoteAddress)}`),
      "ws:/echo": async (socket, { remoteAddress }) => {
        socket.send(`from ${JSON.stringify(remoteAddress)}`);
        for await (const message of socket) socket.send(message);
      },
    },
  });
  onTestFinished(() => server.stop());
  return server;
};

/** Creates a socket file on which no process listens. */
const leaveStale = async (path: string): Promise<void> => {
  const program = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  await promisify(execFile)(execPath, ["-e", program]).catch(() => {});
  expect(existsSync(path)).toBe(true);
};

// On Windows, Node.js listens on named pipes instead.
describe.skipIf(process.platform === "win32")("serve({ path })", () => {
  it("serves requests and WebSockets on a Unix socket that its url names", async () => {
    const path = join(folder, "a.sock");
    const server = await start(path);
    expect(server).toMatchObject({ path, port: 0, url: `http+unix:${path}:` });
    const page = await new Promise<string>((resolve, reject) => {
      const sent = request({ socketPath: path }, (response) => resolve(text(response)));
      sent.on("error", reject).end();
    });
    expect(page).toBe('page for ""');
    const socket = new WebSocket(`${server.url.replace(/^http/, "ws")}/echo`);
    expect((await socket.onMessage.first).data).toBe('from ""');
    const echoed = socket.onMessage.first;
    const long = "x".repeat(300_000);
    socket.send(long);
    expect((await echoed).data).toBe(long);
    socket.close(1000);
    expect(await socket.onClose.first).toMatchObject({ code: 1000, wasClean: true });
  });

  it("closes its sockets and removes the file when it stops", async () => {
    const path = join(folder, "a.sock");
    const server = await start(path);
    const socket = new WebSocket(`${server.url}/echo`);
    await socket.onOpen.first;
    const closed = socket.onClose.first;
    await server.stop();
    expect(await closed).toMatchObject({ code: 1001 });
    expect(existsSync(path)).toBe(false);
    await start(path);
  });

  it("rejects while another server listens on the path and leaves that server running", async () => {
    const path = join(folder, "a.sock");
    const server = await start(path);
    await expect(start(path)).rejects.toMatchObject({
      code: "LISTEN_FAILED",
      message: `cannot listen on ${path}: another process listens on it; stop that process or pass another path`,
      cause: { code: "EADDRINUSE" },
    });
    const socket = new WebSocket(`${server.url}/echo`);
    expect((await socket.onMessage.first).data).toBe('from ""');
    socket.close();
  });

  it("replaces a socket file that a process has left behind", async () => {
    const path = join(folder, "a.sock");
    await leaveStale(path);
    const server = await start(path);
    const socket = new WebSocket(`${server.url}/echo`);
    expect((await socket.onMessage.first).data).toBe('from ""');
    socket.close();
  });

  it("does not replace a file that is not a socket", async () => {
    const path = join(folder, "file");
    await writeFile(path, "precious");
    await expect(start(path)).rejects.toMatchObject({
      code: "LISTEN_FAILED",
      message: expect.stringContaining("not a socket"),
    });
    expect(existsSync(path)).toBe(true);
  });

  it("rejects when the folder does not exist", async () => {
    await expect(start(join(folder, "none", "a.sock"))).rejects.toMatchObject({
      code: "LISTEN_FAILED",
      cause: { code: expect.any(String) as unknown },
    });
  });

  const expected = "it must be the path of a Unix socket";
  it.each([
    [{ path: "" }, `path is ""; ${expected}`],
    [{ path: 5 }, `path is 5; ${expected}`],
    [{ path: null }, `path is null; ${expected}`],
    [{ path: "a\0b" }, `path is "a\\u0000b"; ${expected}`],
    [{ path: `/${"\u00e9".repeat(100)}` }, "path has 201 bytes, more than the "],
    [{ path: "/tmp/a.sock", port: 0 }, "pass either path or port, not both"],
    [{ path: "/tmp/a.sock", host: "127.0.0.1" }, "pass either path or host, not both"],
    [{ path: "/tmp/a.sock", host: "127.0.0.1", port: 0 }, "pass either path or port, not both"],
  ])("refuses %j: %s", async (options, problem) => {
    await expect(serve({ ...(options as object), routes: {} })).rejects.toMatchObject({
      name: "UsageError",
      code: "INVALID_OPTION",
      message: expect.stringContaining(`serve: ${problem}`),
    });
  });
});

describe("a server that cannot listen on a port", () => {
  it.each([
    ["EADDRINUSE", "the port is already in use; pass another port, or 0 for any free one"],
    ["EACCES", "this user may not listen on the port; pass a port above 1023"],
    ["ENOTSUP", "this system does not support reusePort; use node:cluster"],
    [
      "ERR_ACCESS_DENIED",
      "the permission model of Node.js forbids it; start Node.js with --allow-net",
    ],
    ["EADDRNOTAVAIL", "this machine does not have the address; pass another host"],
    ["EMFILE", "listen failed"],
    [undefined, "listen failed"],
  ])("for the reason %s says what to do: %s", (code, problem) => {
    const cause = Object.assign(new Error("listen failed"), code !== undefined && { code });
    for (const host of [undefined, "::1"]) {
      expect(portFailed(host, 80, cause)).toMatchObject({
        code: "LISTEN_FAILED",
        message: `cannot listen on ${host ?? "*"}:80: ${problem}`,
        cause,
      });
    }
  });
});

it("a server without port and host listens on port 8080 of all addresses", () => {
  expect(readListenPlace(undefined, undefined, undefined, undefined)).toEqual({
    port: 8080,
    host: undefined,
    reusePort: false,
    backlog: 4096,
  });
});

describe("serve({ backlog })", () => {
  it.each(["5", 0, 1.5, 65_536, null])("refuses %j", async (backlog) => {
    await expect(serve({ backlog: backlog as never, routes: {} })).rejects.toMatchObject({
      code: "INVALID_OPTION",
      message: `serve: backlog is ${JSON.stringify(backlog)}; it must be an integer from 1 to 65535`,
    });
  });

  const port = { port: 0, host: "127.0.0.1" };
  const path = { path: join(tmpdir(), `tideway-backlog-${process.pid}.sock`) };
  it.each([
    { options: { ...port, backlog: 1 }, backlog: 1 },
    { options: { ...port, backlog: 65_535 }, backlog: 65_535 },
    { options: port, backlog: 4096 },
    ...(process.platform === "win32" ? [] : [{ options: path, backlog: 4096 }]),
  ])("asks for a queue of $backlog connections with $options", async ({ options, backlog }) => {
    const listen = vi.spyOn(NetServer.prototype, "listen");
    onTestFinished(() => listen.mockRestore());
    const server = await serve({ ...options, routes: {} });
    onTestFinished(() => server.stop());
    expect(listen.mock.calls).toEqual([[expect.objectContaining({ backlog })]]);
  });
});

describe("serve({ reusePort })", () => {
  it.each(["yes", 1, null])("refuses %j", async (reusePort) => {
    await expect(serve({ reusePort: reusePort as never, routes: {} })).rejects.toMatchObject({
      code: "INVALID_OPTION",
      message: `serve: reusePort is ${JSON.stringify(reusePort)}; it must be true or false`,
    });
  });

  it("refuses a path too", async () => {
    const path = join(folder, "a.sock");
    await expect(serve({ path, reusePort: true, routes: {} })).rejects.toThrow(
      "serve: pass either path or reusePort, not both",
    );
  });

  it.each([
    ["20.20.2", false],
    ["22.11.0", false],
    ["22.12.0", true],
    ["23.0.0", false],
    ["23.1.0", true],
    ["24.0.0", true],
  ])("works in Node.js %s: %s", (version, works) => {
    expect(hasReusePort(version)).toBe(works);
  });

  it("names the issue of Bun, which ignores it, and node:cluster", () => {
    const gaps = gapsOf({ bun: "1.4.5", node: "26.3.0" });
    expect(explainNoReusePort("26.3.0", gaps)).toBe(
      "Bun 1.4.5 ignores reusePort in node:http (https://github.com/oven-sh/bun/issues/43690); use node:cluster",
    );
  });

  it.skipIf(hasReusePort(process.versions.node))(
    "rejects in a release of Node.js that would ignore it",
    async () => {
      await expect(serve({ port: 0, reusePort: true, routes: {} })).rejects.toMatchObject({
        code: "LISTEN_FAILED",
        message: expect.stringContaining("use Node.js 22.12 or newer, or node:cluster") as string,
      });
    },
  );
});
