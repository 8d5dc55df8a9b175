import {
  mkdir,
  mkdtemp,
  readdir,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { files, type Server, serve } from "tideway/server";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { RawClient, statusOf } from "../../support/clients.ts";

const onError = vi.fn<(error: unknown) => void>();
const large = Buffer.alloc(3_000_000, "0123456789");
let outside: string;
let root: string;
let server: Server;

beforeAll(async () => {
  outside = await mkdtemp(join(tmpdir(), "tideway-files-"));
  root = join(outside, "root");
  await mkdir(join(root, "dir", "empty"), { recursive: true });
  await mkdir(join(root, ".git"));
  await mkdir(`${root}-beside`);
  const contents: Record<string, string | Buffer> = {
    "index.html": "<h1>home</h1>",
    "dir/index.html": "<h1>dir</h1>",
    "dir/a b.txt": "spaced",
    "text.txt": "0123456789",
    "empty.txt": "",
    "script.mjs": "export {}",
    "unknown.zzz": "?",
    "odd.constructor": "?",
    "odd.__proto__": "?",
    "large.bin": large,
    "100%.txt": "percent",
    "é.txt": "accent",
    ".env": "SECRET=1",
    ".git/config": "SECRET=1",
    "../secret.txt": "SECRET=1",
    "../root-beside/secret.txt": "SECRET=1",
  };
  for (const [name, content] of Object.entries(contents))
    await writeFile(join(root, name), content);
  await symlink(join(outside, "secret.txt"), join(root, "leaving.txt"));
  await symlink(outside, join(root, "leaving"));
  await symlink(join(root, "text.txt"), join(root, "staying.txt"));
  await symlink(join(root, "loop"), join(root, "loop"));
  await utimes(join(root, "text.txt"), 1_700_000_000, 1_700_000_000);
  server = await serve({
    port: 0,
    onError,
    routes: {
      "/static/*": files(root),
      "/open/*": files(pathToFileURL(root), {
        dotfiles: "serve",
        index: false,
        cacheControl: "max-age=60",
      }),
      "/*/mapped/": files(root),
      "/*": files(root),
    },
  });
});

afterAll(async () => {
  await server.stop();
  await rm(outside, { recursive: true });
  expect(onError).not.toHaveBeenCalled();
});

const get = (
  path: string,
  headers: Record<string, string> = {},
  method = "GET",
): Promise<Response> => fetch(server.url + path, { headers, method, redirect: "manual" });

describe("files() serves", () => {
  it.each([
    ["/static/text.txt", "0123456789", "text/plain; charset=utf-8"],
    ["/text.txt?query", "0123456789", "text/plain; charset=utf-8"],
    ["/static/dir/a%20b.txt", "spaced", "text/plain; charset=utf-8"],
    ["/static/100%25.txt", "percent", "text/plain; charset=utf-8"],
    ["/static/%C3%A9.txt", "accent", "text/plain; charset=utf-8"],
    ["/static/script.mjs", "export {}", /^(text|application)\/javascript/],
    ["/static/unknown.zzz", "?", "application/octet-stream"],
    ["/static/odd.constructor", "?", "application/octet-stream"],
    ["/static/odd.__proto__", "?", "application/octet-stream"],
    ["/text.txt/mapped/", "0123456789", "text/plain; charset=utf-8"],
    ["/dir/mapped/", "<h1>dir</h1>", "text/html; charset=utf-8"],
    ["/static/empty.txt", "", "text/plain; charset=utf-8"],
    ["/static/staying.txt", "0123456789", "text/plain; charset=utf-8"],
    ["/static/", "<h1>home</h1>", "text/html; charset=utf-8"],
    ["/", "<h1>home</h1>", "text/html; charset=utf-8"],
    ["/static/dir/", "<h1>dir</h1>", "text/html; charset=utf-8"],
    ["/open/.env", "SECRET=1", /./],
  ])("%s", async (path, content, type) => {
    const response = await get(path);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(content);
    expect(response.headers.get("content-type")).toMatch(type);
    expect(response.headers.get("content-length")).toBe(String(content.length));
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  });

  it("a file of several megabytes", async () => {
    const response = await get("/static/large.bin");
    expect(large.equals(Buffer.from(await response.arrayBuffer()))).toBe(true);
  });

  it("only the headers in response to HEAD", async () => {
    const response = await get("/static/text.txt", {}, "HEAD");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-length")).toBe("10");
    expect(await response.text()).toBe("");
  });

  it("Cache-Control as configured", async () => {
    expect((await get("/open/text.txt")).headers.get("cache-control")).toBe("max-age=60");
    expect((await get("/static/text.txt")).headers.get("cache-control")).toBeNull();
  });

  it("a redirect to a directory's URL with a final slash, never to another host", async () => {
    const response = await get("/static/dir?q=1");
    expect(response.status).toBe(301);
    expect(response.headers.get("location")).toBe("./dir/?q=1");
  });
});

describe("files() does not serve", () => {
  // Sent raw, because fetch would resolve the dots first.
  it.each([
    "/static/../secret.txt",
    "/static/%2e%2e/secret.txt",
    "/static/.%2e/secret.txt",
    "/static/%2E%2E%2Fsecret.txt",
    "/static/..%2fsecret.txt",
    "/static/dir/..%2f..%2f..%2fsecret.txt",
    "/static/..%5csecret.txt",
    "/static/..\\secret.txt",
    "/static/%2e%2e%5c%2e%2e%5csecret.txt",
    "/static/dir/%2e%2e/%2e%2e/%2e%2e/secret.txt",
    "/static//etc/passwd",
    "/static/%2fetc/passwd",
    "/static/%2fetc%2fpasswd",
    "/static/....//secret.txt",
    "/static/..%00/secret.txt",
    "/static/text.txt%00",
    "/static/text.txt%00.html",
    "/static/..%c0%af../secret.txt",
    "/static/%c0%ae%c0%ae/secret.txt",
    "/static/%252e%252e/secret.txt",
    "/static/../root-beside/secret.txt",
    "/static/..%2froot-beside/secret.txt",
    "/static/leaving.txt",
    "/static/leaving/secret.txt",
    "/static/leaving/root-beside/secret.txt",
    "/static/.env",
    "/static/%2eenv",
    "/static/.git/config",
    "/static/dir/../.env",
    "/open/..%2fsecret.txt",
    "/open/leaving.txt",
    "//../secret.txt",
    "/..%2f..%2fetc%2fpasswd",
    "/static/100%.txt",
    "/static/%",
    "/static/%ff",
    "/static/loop",
    "/static/text.txt/",
    "/static/text.txt/more",
    "/static/dir//a%20b.txt",
    "/static/dir/empty/",
    "/static/none.txt",
    `/static/${"x".repeat(5000)}`,
    "/open/",
  ])("%s", async (path) => {
    const client = new RawClient(server.port);
    client.send(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    const response = await client.closed();
    expect([400, 404]).toContain(statusOf(response));
    expect(response).not.toContain("SECRET");
    expect(response).not.toContain("root:");
    expect(response).not.toContain(outside);
  });

  it.each(["./text.txt", "dir/./a b.txt", "dir//a b.txt", "dir/../text.txt", "../secret.txt"])(
    "%s, if the caller passes this path as a param",
    async (path) => {
      const handler = files(root, { dotfiles: "serve" });
      const response = await handler(new Request("http://localhost/"), { params: { 0: path } });
      expect(response.status).toBe(404);
    },
  );

  it.each(["POST", "PUT", "DELETE", "OPTIONS"])("a %s request, which gets 405", async (method) => {
    const response = await get("/static/text.txt", {}, method);
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("GET, HEAD");
  });
});

describe("for conditional requests (RFC 9110 13), files()", () => {
  it("answers 304 when the ETag or the time matches", async () => {
    const first = await get("/static/text.txt");
    await first.text();
    const etag = first.headers.get("etag") ?? "";
    expect(etag).toMatch(/^(W\/)?".+"$/);
    expect(first.headers.get("last-modified")).toBe("Tue, 14 Nov 2023 22:13:20 GMT");
    const again = await get("/static/text.txt", { "If-None-Match": etag });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe("");
    expect(again.headers.get("etag")).toBe(etag);
    const since = { "If-Modified-Since": "Tue, 14 Nov 2023 22:13:20 GMT" };
    expect((await get("/static/text.txt", since)).status).toBe(304);
  });

  it("answers 304 with the configured Cache-Control (RFC 9110 15.4.5)", async () => {
    const since = { "If-Modified-Since": "Tue, 14 Nov 2023 22:13:20 GMT" };
    const response = await get("/open/text.txt", since);
    expect(response.status).toBe(304);
    expect(response.headers.get("cache-control")).toBe("max-age=60");
  });

  it("sends the file for another ETag and for an earlier time", async () => {
    expect((await get("/static/text.txt", { "If-None-Match": '"other"' })).status).toBe(200);
    const since = { "If-Modified-Since": "Tue, 14 Nov 2023 22:13:19 GMT" };
    expect((await get("/static/text.txt", since)).status).toBe(200);
  });

  it("answers 412 when If-Match does not match", async () => {
    expect((await get("/static/text.txt", { "If-Match": '"other"' })).status).toBe(412);
  });
});

describe("a Range header (RFC 9110 14)", () => {
  it.each([
    ["bytes=0-3", "0123", "bytes 0-3/10"],
    ["bytes=4-4", "4", "bytes 4-4/10"],
    ["bytes=8-", "89", "bytes 8-9/10"],
    ["bytes=8-100", "89", "bytes 8-9/10"],
    ["bytes=-3", "789", "bytes 7-9/10"],
    ["bytes=-100", "0123456789", "bytes 0-9/10"],
  ])("of %s gets that part of the file with 206", async (range, content, contentRange) => {
    const response = await get("/static/text.txt", { Range: range });
    expect(response.status).toBe(206);
    expect(await response.text()).toBe(content);
    expect(response.headers.get("content-range")).toBe(contentRange);
    expect(response.headers.get("content-length")).toBe(String(content.length));
  });

  it.each(["bytes=10-", "bytes=100-200"])(
    "of %s gets 416 with the size of the file",
    async (range) => {
      const response = await get("/static/text.txt", { Range: range });
      expect(response.status).toBe(416);
      expect(response.headers.get("content-range")).toBe("bytes */10");
    },
  );

  it.each(["bytes=3-1", "bytes=-0", "bytes=", "bytes=a-b", "items=0-3", "bytes=0-1,4-5", "0-3"])(
    "of %s gets the whole file, because it is not a single valid range of bytes",
    async (range) => {
      const response = await get("/static/text.txt", { Range: range });
      expect(response.status).toBe(200);
      expect(await response.text()).toBe("0123456789");
      expect(response.headers.get("accept-ranges")).toBe("bytes");
    },
  );

  it("is ignored for an empty file", async () => {
    for (const range of ["bytes=0-", "bytes=-5"]) {
      const response = await get("/static/empty.txt", { Range: range });
      expect([response.status, await response.text()]).toEqual([200, ""]);
    }
  });

  it("gets the whole file when If-Range does not match", async () => {
    const changed = { Range: "bytes=0-3", "If-Range": "Mon, 13 Nov 2023 22:13:20 GMT" };
    expect((await get("/static/text.txt", changed)).status).toBe(200);
    const same = { Range: "bytes=0-3", "If-Range": "Tue, 14 Nov 2023 22:13:20 GMT" };
    expect((await get("/static/text.txt", same)).status).toBe(206);
  });
});

describe.runIf(process.platform === "linux")("file descriptors", () => {
  /** The files below the directory that this process has open. */
  const openFiles = async (): Promise<number> => {
    const { readlink } = await import("node:fs/promises");
    const names = await readdir("/proc/self/fd");
    const paths = await Promise.all(
      names.map((n) => readlink(`/proc/self/fd/${n}`).catch(() => "")),
    );
    return paths.filter((path) => path.startsWith(outside)).length;
  };

  it("are not open before a body is read or after it is cancelled", async () => {
    const handler = files(root);
    const request = new Request("http://localhost/large.bin");
    const unread = await handler(request);
    const cancelled = await handler(request);
    expect(await openFiles()).toBe(0);
    const reader = cancelled.body?.getReader();
    await reader?.read();
    expect(await openFiles()).toBe(1);
    await reader?.cancel();
    expect(await openFiles()).toBe(0);
    await unread.body?.cancel();
  });

  it("are closed when the body is cancelled during opening", async () => {
    const handler = files(root);
    const { body } = await handler(new Request("http://localhost/large.bin"));
    const reader = body?.getReader();
    const read = reader?.read();
    await reader?.cancel();
    await read;
    await vi.waitFor(async () => expect(await openFiles()).toBe(0));
  });

  it("are closed when clients disconnect during the body", async () => {
    // More than the kernel buffers.
    await writeFile(join(root, "huge.bin"), "");
    await truncate(join(root, "huge.bin"), 100_000_000);
    const clients = Array.from({ length: 8 }, () => {
      const client = new RawClient(server.port);
      client.socket.pause();
      return client.send("GET /huge.bin HTTP/1.1\r\nHost: localhost\r\n\r\n");
    });
    await vi.waitFor(async () => expect(await openFiles()).toBe(8));
    for (const client of clients) client.reset();
    await vi.waitFor(async () => expect(await openFiles()).toBe(0));
  });
});

describe("at start, files()", () => {
  it.each([
    ["does not exist", "no-such-directory", "no-such-directory: ENOENT: no such file or directory"],
    ["is a file", "text.txt", "is not a directory"],
  ])("refuses a directory that %s", (_, name, message) => {
    expect(() => files(join(root, name))).toThrow(
      expect.objectContaining({
        code: "INVALID_OPTION",
        message: expect.stringContaining(message),
      }),
    );
  });

  it.each([undefined, 5, new URL("https://example.com/")])("refuses the directory %j", (value) => {
    expect(() => files(value as never)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }),
    );
  });

  it.each(["/", "/static", "/static/:name"])(
    "refuses a directory under the key %j, which has no wildcard",
    async (key) => {
      await expect(serve({ port: 0, routes: { [key]: files(root) } })).rejects.toMatchObject({
        code: "INVALID_ROUTE",
        message: expect.stringContaining('"/static/*"'),
      });
    },
  );
});

it("files() aborts the response when the file shrinks, and does not pad it", async () => {
  const path = join(root, "shrinking.bin");
  await writeFile(path, large);
  const response = await files(root)(new Request("http://localhost/shrinking.bin"));
  await truncate(path, 10);
  await expect(response.arrayBuffer()).rejects.toThrow("changed");
});

it("files() returns a handler for any fetch-style framework", async () => {
  const response = await files(root)(new Request("http://localhost/text.txt"));
  expect(await response.text()).toBe("0123456789");
});
