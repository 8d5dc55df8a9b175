import * as fc from "fast-check";
import { once } from "node:events";
import { createServer } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { attach, type AuthorizeContext, serve, type ServeOptions } from "tideway/server";
import { describe, expect, it, onTestFinished } from "vitest";
import { compileTrustProxy, type ProxyOptions } from "../../../src/server/requests/trust-proxy.ts";
import { type Routes, transport } from "../../suite/transports.ts";
import { handshake, RawClient, statusOf } from "../../support/clients.ts";
import { SERVER_KINDS, type StartedServer } from "../../support/server-kinds.ts";

/**
 * Sends a request with these fields to a server that trusts loopback. Returns what the handler
 * sees.
 */
const LOOPBACK = ["127.0.0.0/8", "::1"];

interface Observed {
  readonly remoteAddress: string;
  readonly url: string;
  readonly requestUrl: string;
}

const observe = (request: Request, context: { remoteAddress: string; url: URL }): Observed => ({
  remoteAddress: context.remoteAddress,
  url: context.url.href,
  requestUrl: request.url,
});

const routes: Routes = {
  "/page": (request: Request, context: { remoteAddress: string; url: URL }) =>
    Response.json(observe(request, context)),
  "ws:/socket": {
    authorize: (request: Request, context: AuthorizeContext<object>) => observe(request, context),
    handle: (
      socket: { send(text: string): void },
      context: { remoteAddress: string; url: URL; state: unknown; request: Request },
    ) => {
      const observed = observe(context.request, context);
      socket.send(
        `${JSON.stringify(observed) === JSON.stringify(context.state)}${JSON.stringify(observed)}|`,
      );
    },
  },
};

type Fields = Record<string, string | string[] | undefined>;

async function observedByPage(server: StartedServer, fields: Fields): Promise<Observed> {
  const lines = Object.entries({ Host: "inner:81", Connection: "close", ...fields })
    .flatMap(([name, value]) => [value ?? []].flat().map((one) => `${name}: ${one}\r\n`))
    .join("");
  const client = new RawClient(server).send(`GET /page HTTP/1.1\r\n${lines}\r\n`);
  return JSON.parse(/\{.*\}/.exec(await client.closed())![0]) as Observed;
}

async function observedBySocket(server: StartedServer, fields: Fields): Promise<Observed> {
  const client = new RawClient(server);
  client.send(handshake("/socket", { Host: "inner:81", ...fields }));
  const text = await client.receives("|");
  client.socket.destroy();
  expect(text).toContain("true{");
  return JSON.parse(/\{.*\}/.exec(text)![0]) as Observed;
}

/** The address of the connection. */
const OWN = transport.hasPorts ? "127.0.0.1" : "";

describe.each(SERVER_KINDS)("trustProxy, over $name,", ({ start }) => {
  const both = async (options: ProxyOptions, fields: Fields): Promise<Observed> => {
    await using server = await start(routes, options);
    const page = await observedByPage(server, fields);
    const { remoteAddress, url, requestUrl } = await observedBySocket(server, fields);
    expect(remoteAddress).toBe(page.remoteAddress);
    expect(url).toBe(page.url.replace("/page", "/socket"));
    expect(requestUrl).toBe(url);
    return page;
  };
  const spoofed = {
    Forwarded: "for=192.0.2.1;proto=https;host=spoofed.example",
    "X-Forwarded-For": "192.0.2.2",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "spoofed.example",
  };

  it("ignores all forwarding fields by default", async () => {
    expect(await both({}, spoofed)).toMatchObject({
      remoteAddress: OWN,
      url: "http://inner:81/page",
      requestUrl: "http://inner:81/page",
    });
  });

  it.runIf(transport.hasPorts)("ignores the fields of a proxy that is not listed", async () => {
    // A connection in memory has no address and counts as a trusted hop.
    const observed = await both({ trustProxy: ["10.0.0.0/8"] }, spoofed);
    expect(observed).toMatchObject({ remoteAddress: OWN, url: "http://inner:81/page" });
  });

  it.each([[LOOPBACK], [1]])(
    "reads address, scheme and host from Forwarded (%j)",
    async (trustProxy) => {
      const fields = {
        ...spoofed,
        Forwarded: 'For="[2001:db8::17]:4711";Proto=HTTPS;by=203.0.113.43;host="example.com:8443"',
      };
      expect(await both({ trustProxy }, fields)).toMatchObject({
        remoteAddress: "2001:db8::17",
        url: "https://example.com:8443/page",
      });
    },
  );

  it.each([[LOOPBACK], [1]])(
    "reads address, scheme and host from X-Forwarded-* if there is no Forwarded (%j)",
    async (trustProxy) => {
      const fields = {
        "X-Forwarded-For": "6.6.6.6, 198.51.100.7",
        "X-Forwarded-Proto": "wss",
        "X-Forwarded-Host": "example.com",
        "X-Forwarded-Port": "8443",
      };
      expect(await both({ trustProxy }, fields)).toMatchObject({
        remoteAddress: "198.51.100.7",
        url: "https://example.com:8443/page",
      });
    },
  );

  it.each([
    ["[2001:db8::1]:8443", "https://[2001:db8::1]:8443/page"],
    ["[2001:DB8::FACE]", "https://[2001:db8::face]/page"],
  ])("reads the forwarded host %s", async (host, url) => {
    const fields = { "X-Forwarded-Proto": "https", "X-Forwarded-Host": host };
    expect(await both({ trustProxy: LOOPBACK }, fields)).toMatchObject({ url });
  });

  it.each(["[g]", "[]"])(
    "ignores all fields of a proxy that forwards the host %s",
    async (host) => {
      const fields = { "X-Forwarded-Proto": "https", "X-Forwarded-Host": host };
      const url = "http://inner:81/page";
      expect(await both({ trustProxy: LOOPBACK }, fields)).toMatchObject({ url });
    },
  );

  it("reads only the fields that proxyHeaders names", async () => {
    const fields = { Forwarded: "for=192.0.2.1", "X-Forwarded-For": "192.0.2.2" };
    const options = { trustProxy: LOOPBACK };
    const x = await both(
      { ...options, proxyHeaders: ["x-forwarded-for"] },
      { ...fields, "X-Forwarded-Host": "spoofed.example" },
    );
    expect(x.url).toBe("http://inner:81/page");
    expect(x.remoteAddress).toBe("192.0.2.2");
    const forwarded = await both({ ...options, proxyHeaders: ["forwarded"] }, fields);
    expect(forwarded.remoteAddress).toBe("192.0.2.1");
    const absent = await both(
      { ...options, proxyHeaders: ["forwarded"] },
      { "X-Forwarded-For": "192.0.2.2" },
    );
    expect(absent.remoteAddress).toBe(OWN);
  });

  it("checks hosts and origins against the forwarded host and scheme", async () => {
    const options = { trustProxy: LOOPBACK, hosts: ["example.com"] };
    await using server = await start(routes, options);
    const status = async (fields: Fields): Promise<number> => {
      const client = new RawClient(server).send(handshake("/socket", { Host: "inner", ...fields }));
      const text = await client.receives("\r\n\r\n");
      client.socket.destroy();
      return statusOf(text);
    };
    const forwarded = "for=192.0.2.1;proto=https;host=example.com";
    expect(await status({ Origin: "https://example.com" })).toBe(421);
    expect(await status({ Forwarded: forwarded, Origin: "https://example.com" })).toBe(101);
    expect(await status({ Forwarded: forwarded, Origin: "http://example.com" })).toBe(403);
    expect(await status({ Forwarded: forwarded, Origin: "https://inner" })).toBe(403);
    const other = "for=192.0.2.1;proto=https;host=other.example";
    expect(await status({ Host: "example.com", Forwarded: other })).toBe(421);
  });
});

describe.runIf(transport.hasPorts)("trustProxy on a Unix socket", () => {
  it.each([[[]], [1]])("counts the socket as one trusted hop (%j)", async (trustProxy) => {
    const folder = mkdtempSync(join(tmpdir(), "tideway-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "socket");
    const httpServer = createServer();
    await using attachment = attach(httpServer, { routes, trustProxy });
    await once(httpServer.listen(path), "listening");
    onTestFinished(() => void httpServer.close());
    const socket = connect(path).setEncoding("latin1");
    socket.write(
      "GET /page HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" +
        "X-Forwarded-For: 6.6.6.6, 192.0.2.1\r\nX-Forwarded-Proto: https\r\n\r\n",
    );
    const text = (await socket.toArray()).join("");
    expect(text).toContain('"remoteAddress":"192.0.2.1"');
    expect(text).toContain("https://a/page");
    expect(attachment.sockets.size).toBe(0);
  });
});

/** Reads the fields, as names and values in turn, of a request from `peer`. */
function read(
  options: ProxyOptions,
  peer: string | undefined,
  ...fields: ReadonlyArray<readonly [string, string]>
): ReturnType<NonNullable<ReturnType<typeof compileTrustProxy>>> {
  return compileTrustProxy(options, "serve")!(fields.flat(), peer);
}

describe("the walk from the last proxy to the first", () => {
  const xff = (trustProxy: number | string[], peer: string | undefined, ...values: string[]) =>
    read({ trustProxy }, peer, ...values.map((value) => ["X-Forwarded-For", value] as const))
      ?.remoteAddress;

  it("skips trusted addresses and uses the first that is not trusted", () => {
    const trusted = ["10.0.0.0/8", "fd00::/8"];
    expect(xff(trusted, "10.0.0.1", "6.6.6.6, 192.0.2.1, 10.1.1.1, fd00::1")).toBe("192.0.2.1");
    expect(xff(trusted, "10.0.0.1", "6.6.6.6", "192.0.2.1,10.1.1.1", "fd00::1")).toBe("192.0.2.1");
    expect(xff(trusted, "10.0.0.1", "10.9.9.9, 10.1.1.1")).toBe("10.9.9.9");
    expect(xff(trusted, "192.0.2.9", "6.6.6.6")).toBeUndefined();
  });

  it("counts hops", () => {
    expect(xff(1, "10.0.0.1", "a, b, 192.0.2.1")).toBe("192.0.2.1");
    expect(xff(2, "10.0.0.1", "6.6.6.6, 192.0.2.1, 10.1.1.1")).toBe("192.0.2.1");
    expect(xff(3, "10.0.0.1", "192.0.2.1, 10.1.1.1")).toBe("192.0.2.1");
    expect(xff(2, undefined, "6.6.6.6, 192.0.2.1, 10.1.1.1")).toBe("192.0.2.1");
  });

  it("ignores addresses to the left of the client's", () => {
    expect(xff(["10.0.0.1"], "10.0.0.1", '",;=garbage, , 192.0.2.1')).toBe("192.0.2.1");
    expect(xff(["10.0.0.1"], "10.0.0.1", `${"x".repeat(9000)},192.0.2.1`)).toBe("192.0.2.1");
    const forwarded = read(
      { trustProxy: 1 },
      "10.0.0.1",
      ["forwarded", 'for="'],
      ["forwarded", "for=192.0.2.1"],
    );
    expect(forwarded?.remoteAddress).toBe("192.0.2.1");
  });

  it("treats IPv4-mapped IPv6 addresses as IPv4 addresses", () => {
    expect(xff(["10.0.0.1"], "::ffff:10.0.0.1", "192.0.2.1")).toBe("192.0.2.1");
    expect(xff(["::ffff:10.0.0.0/104"], "10.0.0.1", "::ffff:192.0.2.1")).toBe("192.0.2.1");
    expect(xff(["::ffff:a00:1"], "10.0.0.1", "::FFFF:c000:201")).toBe("192.0.2.1");
    expect(xff(["::/0"], "10.0.0.1", "192.0.2.1")).toBeUndefined();
    expect(xff(["fe80::/10"], "fe80::1%eth0", "192.0.2.1")).toBe("192.0.2.1");
  });

  it("ignores a chain of more than 31 proxies", () => {
    const chain = (length: number): string => Array<string>(length).fill("10.0.0.1").join(",");
    expect(xff(["10.0.0.0/8"], "10.0.0.1", `192.0.2.1,${chain(30)}`)).toBe("192.0.2.1");
    expect(xff(["10.0.0.0/8"], "10.0.0.1", `192.0.2.1,${chain(31)}`)).toBeUndefined();
  });

  it.each([
    ["192.0.2.1:4711", "192.0.2.1"],
    ["[2001:db8::1]:4711", "2001:db8::1"],
    ["[2001:DB8::1]", "2001:db8::1"],
    ["2001:db8::1", "2001:db8::1"],
    ["unknown", undefined],
    ["_hidden", undefined],
    ["", undefined],
    ["192.0.2.256", undefined],
    ["192.0.2.01", undefined],
    ["192.0.2", undefined],
    ["0x7f.1", undefined],
    ["3221225985", undefined],
    ["192.0.2.1 ,", undefined],
    ["[192.0.2.1]", undefined],
    ["2001:db8::1%eth0", undefined],
    [":::", undefined],
    ["1::2::3", undefined],
    ["1:2:3:4:5:6:7", undefined],
    ["1:2:3:4:5:6:7::8", undefined],
    ["::192.0.2.1:1", undefined],
    ["localhost", undefined],
    ["<script>", undefined],
    [`${"0".repeat(60)}192.0.2.1`, undefined],
  ])("reads X-Forwarded-For: %s as %s", (value, address) => {
    expect(xff(1, "10.0.0.1", value)).toBe(address);
  });

  it.each([
    ["for=192.0.2.1", "192.0.2.1"],
    ['for="192.0.2.1:80"', "192.0.2.1"],
    ['for="[2001:db8::1]"', "2001:db8::1"],
    [String.raw`for="192.0.2\.1"`, "192.0.2.1"],
    ['proto=http ; FOR=192.0.2.1;by="a,b;c=\\"d"', "192.0.2.1"],
    ['for=6.6.6.6,for="_a, for=7.7.7.7";x=1 , for=192.0.2.1', "192.0.2.1"],
    ['for=6.6.6.6, for=192.0.2.1;x="a, for=7.7.7.7"', "192.0.2.1"],
    ["for=unknown;proto=https", undefined],
    ["for=_SEVKISEK", undefined],
    ["for=", undefined],
    ["for", undefined],
    ["for=192.0.2.1;for=192.0.2.2", undefined],
    ["for=192.0.2.1;", undefined],
    ["for=192.0.2.1,", undefined],
    ["for=192.0.2.1:80", undefined],
    ['for="192.0.2.1', undefined],
    ['for="192.0.2.1"x', undefined],
    ["for=192.0.2.1;proto=ftp", undefined],
    ['for=192.0.2.1;host="a/b"', undefined],
    [`for=192.0.2.1;x=${"y".repeat(8200)}`, undefined],
  ])("reads Forwarded: %s as %s", (value, address) => {
    const observed = read({ trustProxy: 1 }, "10.0.0.1", ["Forwarded", value]);
    expect(observed?.remoteAddress).toBe(address);
  });

  it("ignores all fields if any used value is malformed", () => {
    const fields = (name: string, value: string): Array<[string, string]> => [
      ["X-Forwarded-For", "192.0.2.1"],
      ["X-Forwarded-Proto", "https"],
      ["X-Forwarded-Host", "example.com"],
      ["X-Forwarded-Port", "8443"],
      ...([[name, value]] as Array<[string, string]>),
    ];
    for (const [name, value] of [
      ["X-Forwarded-For", "x"],
      ["X-Forwarded-Proto", "javascript"],
      ["X-Forwarded-Host", "a@b"],
      ["X-Forwarded-Host", `${"a".repeat(300)}.example`],
      ["X-Forwarded-Port", "x"],
    ]) {
      expect(read({ trustProxy: 1 }, "10.0.0.1", ...fields(name, value))).toBeUndefined();
    }
  });

  it("uses the scheme and the host reported by the outermost trusted proxy", () => {
    const trustProxy = ["10.0.0.0/8"];
    const xForwarded = read(
      { trustProxy },
      "10.0.0.1",
      ["X-Forwarded-For", "6.6.6.6, 192.0.2.1, 10.0.0.2"],
      ["X-Forwarded-Proto", "http, https, http"],
      ["X-Forwarded-Host", "example.com"],
    );
    expect(xForwarded).toMatchObject({ host: "example.com", isSecure: true });
    const forwarded = read({ trustProxy }, "10.0.0.1", [
      "Forwarded",
      "for=6.6.6.6;host=spoofed, for=192.0.2.1;proto=https;host=example.com, for=10.0.0.2;proto=http",
    ]);
    expect(forwarded).toMatchObject({ host: "example.com", isSecure: true });
  });

  it("uses the scheme of a proxy that gives no address", () => {
    const observed = read({ trustProxy: ["10.0.0.1"] }, "10.0.0.1", ["X-Forwarded-Proto", "https"]);
    expect(observed).toMatchObject({ isSecure: true, remoteAddress: undefined, host: undefined });
  });
});

describe("for any fields,", () => {
  const text = fc.oneof(
    fc.string(),
    fc.ipV4(),
    fc.ipV6(),
    fc
      .array(
        fc.constantFrom("for=", '"', "[", "]", ",", ";", "\\", "_", ":1", "192.0.2.1", "::1", " "),
      )
      .map((parts) => parts.join("")),
  );
  const field = fc.tuple(
    fc.constantFrom(
      "Forwarded",
      "X-Forwarded-For",
      "X-Forwarded-Proto",
      "X-Forwarded-Host",
      "X-Forwarded-Port",
    ),
    fc.oneof(
      text,
      fc.array(text).map((parts) => parts.join(", ")),
    ),
  );
  const trust = fc.oneof(
    fc.integer({ min: 1, max: 31 }),
    fc.array(fc.constantFrom("10.0.0.0/8", "192.0.2.0/24", "::/0", "0.0.0.0/0")),
  );

  it("the address is one of the fields or of the connection, and nothing throws", () => {
    fc.assert(
      fc.property(
        fc.array(field),
        trust,
        fc.constantFrom("10.0.0.1", undefined),
        (fields, t, peer) => {
          const address = read({ trustProxy: t }, peer, ...fields)?.remoteAddress;
          if (address === undefined) return;
          const values = fields.map(([, value]) => value.toLowerCase().replaceAll("\\", ""));
          const isWritten = values.some((value) => value.includes(address));
          // An IPv4-mapped address in hexadecimal is printed differently.
          expect(isWritten || values.some((value) => value.includes("ffff:"))).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("an appended address overrides any earlier one", () => {
    fc.assert(
      fc.property(fc.array(field), fc.ipV4(), (fields, client) => {
        const x = fields.filter(([name]) => name === "X-Forwarded-For").map(([, v]) => v);
        const value = [...x, client].join(", ");
        const observed = read({ trustProxy: 1 }, "10.0.0.1", ["X-Forwarded-For", value]);
        expect(observed?.remoteAddress).toBe(client);
      }),
    );
  });
});

it.each([
  [true],
  [false],
  [null],
  [0],
  [-1],
  [1.5],
  [32],
  [Number.NaN],
  [Infinity],
  ["127.0.0.1"],
  [{}],
  [() => true],
  [["localhost"]],
  [["10.0.0.0/33"]],
  [["10.0.0.0/"]],
  [["10.0.0.0/08"]],
  [["10.0.0.0/8/8"]],
  [["10.0.0"]],
  [["::1/129"]],
  [["::ffff:10.0.0.0/8"]],
  [["[::1]"]],
  [[""]],
  [[undefined]],
  // eslint-disable-next-line no-sparse-arrays
  [[, "127.0.0.1"]],
])("trustProxy: %o is refused at start", async (trustProxy) => {
  const options = { port: 0, routes: {}, trustProxy } as ServeOptions & { routes: Routes };
  await expect(serve(options)).rejects.toMatchObject({ code: "INVALID_OPTION" });
  expect(() => attach(createServer(), options)).toThrow("attach");
});

it("proxyHeaders is refused without trustProxy and with an unknown value", async () => {
  const start = (options: object) => serve({ port: 0, routes: {}, ...options });
  await expect(start({ proxyHeaders: ["forwarded"] })).rejects.toThrow("needs trustProxy");
  for (const proxyHeaders of [["x"], ["forwarded", "x"]]) {
    await expect(start({ trustProxy: 1, proxyHeaders })).rejects.toThrow("proxyHeaders");
  }
  await expect(start({ trustProxy: 1, proxyHeaders: "forwarded" })).rejects.toThrow("proxyHeaders");
});

it("trustProxy is refused as an option of a route", async () => {
  const own = { "ws:/": { trustProxy: 1, handle: () => {} } };
  await expect(serve({ port: 0, routes: own })).rejects.toThrow("option of the server");
});
