import { afterEach, describe, expect, it, vi } from "vitest";
import { parseUrl } from "../../src/client/web-socket-arguments.ts";
import { FakeNetwork } from "./fake-connector.ts";

const { WebSocket, attempts } = new FakeNetwork();
const create = (url: unknown, ...protocols: unknown[]): InstanceType<typeof WebSocket> =>
  new WebSocket(url as string, ...(protocols as string[]));
const lastRequest = (): (typeof attempts)[number]["request"] => attempts.at(-1)!.request;
const domException = (name: string): unknown => expect.objectContaining({ name });

afterEach(() => vi.unstubAllGlobals());

describe("the constructor, called with a url (WHATWG WebSockets 3.1, get a URL record),", () => {
  it.each([
    ["ws://example.com", "ws://example.com/"],
    ["wss://Example.com:443/a?b", "wss://example.com/a?b"],
    ["http://example.com:8080/", "ws://example.com:8080/"],
    ["https://example.com/", "wss://example.com/"],
    ["ws://example.com/%23?%23", "ws://example.com/%23?%23"],
    ["ws://host/\u{D800}", "ws://host/%EF%BF%BD"],
  ])("reads %s as %s", (input, url) => {
    expect(create(input).url).toBe(url);
    expect(lastRequest().url.href).toBe(url);
  });

  it.each([
    "",
    "/echo",
    "#fragment",
    "ws://host/#fragment",
    "wss://host/#",
    "http://host#",
    "ws://",
    "ftp://host/",
    "mailto:a@b.c",
    "about:blank",
  ])("throws a SyntaxError for %j", (input) => {
    expect(() => create(input)).toThrow(domException("SyntaxError"));
  });

  it("throws a DOMException, and reports an invalid url before invalid protocols", () => {
    expect(() => create("nonsense", "not a token")).toThrow(DOMException);
    expect(() => create("nonsense", "not a token")).toThrow(/nonsense/);
  });

  it("resolves it against the location if there is one", () => {
    vi.stubGlobal("location", { href: "https://example.com/a/b" });
    expect(create("../chat").url).toBe("wss://example.com/chat");
  });

  it("accepts a URL object and does not follow its changes", () => {
    const url = new URL("ws://host/a");
    const socket = create(url);
    url.pathname = "/b";
    lastRequest().url.pathname = "/c";
    expect(socket.url).toBe("ws://host/a");
  });

  it("accepts a non-ASCII host on the ten-thousandth call as on the first", () => {
    // URL.canParse of Node 20 and 22 refuses it once the engine has optimised the calls.
    for (let count = 0; count < 10_000; count++) {
      expect(parseUrl("ws://b\u00fccher.example/").host).toBe("xn--bcher-kva.example");
    }
  });

  it("throws a TypeError for a symbol", () => {
    expect(() => create(Symbol("url"))).toThrow(TypeError);
  });
});

describe("the constructor, called with protocols,", () => {
  it.each([
    [[], []],
    [[undefined], []],
    [["chat"], ["chat"]],
    [[["a", "b"]], ["a", "b"]],
    [[new Set(["a", "b"])], ["a", "b"]],
    [[[]], []],
    [[null], ["null"]],
    [[7], ["7"]],
    [[[1, null]], ["1", "null"]],
    [[{ protocols: "chat" }], ["chat"]],
    [[{ protocols: ["a", "b"] }], ["a", "b"]],
    [[{}], []],
  ])("reads %j as %j", (args, protocols) => {
    create("ws://host", ...args);
    expect(lastRequest().protocols).toEqual(protocols);
  });

  it.each(["", " ", "a b", "a,b", "caf\u{e9}", "a\u{0}", "a/b", '"a"', "a\n", "\u{7f}"])(
    "throws a SyntaxError for %j, which is not a token (RFC 6455 4.1)",
    (protocol) => {
      expect(() => create("ws://host", protocol)).toThrow(domException("SyntaxError"));
      expect(() => create("ws://host", ["ok", protocol])).toThrow(domException("SyntaxError"));
      expect(() => create("ws://host", { protocols: protocol })).toThrow(
        domException("SyntaxError"),
      );
    },
  );

  it.each([[["a", "a"]], [["echo", "b", "eCho"]]])(
    "throws a SyntaxError for duplicates",
    (names) => {
      expect(() => create("ws://host", names)).toThrow(domException("SyntaxError"));
    },
  );

  it("does not connect when it throws", () => {
    const { length } = attempts;
    expect(() => create("ws://host", ["a", "a"])).toThrow(DOMException);
    expect(attempts).toHaveLength(length);
  });
});

describe("the options as the third argument, as with ws,", () => {
  it.each([
    [[undefined, { headers: { a: "b" } }], []],
    [["chat", { headers: { a: "b" } }], ["chat"]],
    [
      [["x", "y"], { headers: { a: "b" } }],
      ["x", "y"],
    ],
    [[undefined, { protocols: "chat", headers: { a: "b" } }], ["chat"]],
    [["chat", { protocols: undefined, headers: { a: "b" } }], ["chat"]],
    [[[], { headers: { a: "b" } }], []],
  ])("are read from the arguments %j", (args, protocols) => {
    create("ws://host", ...args);
    expect(lastRequest()).toMatchObject({ protocols, options: { headers: { a: "b" } } });
  });

  it.each([
    [["chat", undefined]],
    [["chat", null]],
    [["chat", {}]],
    [["chat", 5]],
    [["chat", "another text"]],
  ])("may be missing, or not an object, which has no effect (Web IDL): %j", (args) => {
    create("ws://host", ...args);
    expect(lastRequest().protocols).toEqual(["chat"]);
  });

  it.each([
    [{}, { headers: {} }],
    [{ headers: {} }, {}],
    ["chat", { protocols: "chat" }],
    [[], { protocols: [] }],
    [null, { protocols: "chat" }],
  ])("throw if something is given twice: %j, %j", (...args) => {
    const { length } = attempts;
    expect(() => create("ws://host", ...args)).toThrow(
      expect.objectContaining({
        name: "UsageError",
        code: "INVALID_OPTION",
        message: "pass options and protocols once",
      }),
    );
    expect(attempts).toHaveLength(length);
  });

  it.each([
    ["agent", "createConnection"],
    ["auth", "headers.authorization"],
    ["ca", "tls.ca"],
    ["handshakeTimeout", "handshakeTimeoutMs"],
    ["perMessageDeflate", "compression"],
    ["maxPayload", "maxMessageBytes"],
    ["origin", "headers.origin"],
    ["rejectUnauthorized", "tls.rejectUnauthorized"],
  ])("suggest the option of this package for %s of ws: %s", (name, ours) => {
    expect(() => create("ws://host", undefined, { [name]: true })).toThrow(
      `there is no option ${name}; pass ${ours} instead`,
    );
  });
});

describe("the option tls", () => {
  const openWith = (tls: object): void => void create("ws://host", undefined, { tls });

  it.each([
    "ca,cert,key,passphrase,servername,pfx,crl,ciphers,ecdhCurve,sigalgs,dhparam",
    "minDHSize,minVersion,maxVersion,secureContext,secureOptions,secureProtocol,session",
    "sessionTimeout,checkServerIdentity,pskCallback,privateKeyEngine,privateKeyIdentifier",
    "clientCertEngine,requestOCSP,enableTrace,allowPartialTrustChain",
  ])("has the names of tls.connect, and no similar ones: %s", (names) => {
    for (const name of names.split(",")) {
      openWith({ [name]: "a" });
      expect(lastRequest()).toMatchObject({ options: { tls: { [name]: "a" } } });
      for (const similar of [`${name}s_`, `x${name}`, name.toUpperCase()]) {
        expect(() => openWith({ [similar]: "a" })).toThrow(
          expect.objectContaining({
            name: "UsageError",
            code: "INVALID_OPTION",
            message: `WebSocket: there is no option tls.${similar}`,
          }),
        );
      }
    }
  });

  it.each([
    ["passphrase", 5, "string"],
    ["servername", null, "string"],
    ["rejectUnauthorized", 0, "boolean"],
    ["rejectUnauthorized", "false", "boolean"],
  ])("throws for %s: %j, which must be a %s", (name, value, type) => {
    expect(() => openWith({ [name]: value })).toThrow(`WebSocket: tls.${name} must be a ${type}`);
    openWith({ [name]: undefined });
  });
});

describe("the options instead of the protocols", () => {
  it("default to 16 MiB per message, 10 s for the handshake and 5 s for closing", () => {
    create("ws://host");
    expect(lastRequest().options).toMatchObject({
      maxMessageBytes: 16_777_216,
      handshakeTimeoutMs: 10_000,
      closeTimeoutMs: 5_000,
    });
  });

  it("are passed to the connector", () => {
    const options = {
      maxMessageBytes: 7,
      headers: { authorization: "Bearer x" },
      tls: { ca: "x" },
    };
    create("ws://host", options);
    expect(lastRequest().options).toMatchObject(options);
  });

  it.each([
    { maxMessageBytes: 0 },
    { maxMessageBytes: -1 },
    { handshakeTimeoutMs: Number.NaN },
    { handshakeTimeoutMs: Infinity },
    { closeTimeoutMs: "1" },
    { heartbeat: true },
    { heartbeat: { idleMs: 0 } },
    { heartbeat: { timeoutMs: "1000" } },
    { heartbeat: { timeout: 1000 } },
    { heartbeat: [] },
    { headers: { "a b": "c" } },
    { headers: "a: b" },
    { headers: [["a", "b"]] },
    { headers: null },
    { tls: true },
    { tls: { rejectUnauthorised: false } },
    { tls: { rejectUnauthorized: 0 } },
    { tls: { rejectUnauthorized: null } },
    { tls: { serverName: "a" } },
    { tls: { servername: 7 } },
    { tls: { passphrase: {} } },
    { headers: { a: "b\r\nc: d" } },
    { headers: { a: 1 } },
    { headers: "a: b" },
    { headers: [["a", "b"]] },
    { headers: new Headers({ a: "b" }) },
    { headers: null },
    { tls: true },
    { tls: [] },
    { tls: null },
    { maxMessageByte: 5 },
  ])("throw a UsageError for %j", (options) => {
    expect(() => create("ws://host", options)).toThrow(
      expect.objectContaining({ name: "UsageError", code: "INVALID_OPTION" }),
    );
  });
});

describe("the class according to Web IDL", () => {
  const { prototype } = WebSocket;

  it("has the name, length, tag and parent of the standard", () => {
    expect(WebSocket.name).toBe("WebSocket");
    expect(WebSocket.length).toBe(1);
    expect(Object.prototype.toString.call(create("ws://host"))).toBe("[object WebSocket]");
    expect(Object.getOwnPropertyDescriptor(prototype, Symbol.toStringTag)).toMatchObject({
      writable: false,
      enumerable: false,
      configurable: true,
    });
    expect(Object.getPrototypeOf(WebSocket)).toBe(EventTarget);
    expect(Object.getPrototypeOf(prototype)).toBe(EventTarget.prototype);
    expect(() => Reflect.apply(WebSocket as never, undefined, ["ws://host"])).toThrow(TypeError);
    expect(() => Reflect.construct(WebSocket, [])).toThrow(TypeError);
  });

  it.each([
    ["CONNECTING", 0],
    ["OPEN", 1],
    ["CLOSING", 2],
    ["CLOSED", 3],
  ])("has the constant %s on itself and on the prototype", (name, value) => {
    const constant = { value, writable: false, enumerable: true, configurable: false };
    expect(Object.getOwnPropertyDescriptor(WebSocket, name)).toEqual(constant);
    expect(Object.getOwnPropertyDescriptor(prototype, name)).toEqual(constant);
  });

  it.each(["url", "readyState", "bufferedAmount", "extensions", "protocol"])(
    "has %s as an enumerable, read-only accessor",
    (name) => {
      const attribute = Object.getOwnPropertyDescriptor(prototype, name)!;
      expect(attribute).toMatchObject({ enumerable: true, configurable: true, set: undefined });
      expect(attribute.get!.name).toBe(`get ${name}`);
      expect(() => Reflect.get(prototype, name)).toThrow(TypeError);
    },
  );

  it.each(["onopen", "onmessage", "onerror", "onclose", "binaryType"])(
    "has %s as an enumerable accessor with a setter",
    (name) => {
      const attribute = Object.getOwnPropertyDescriptor(prototype, name)!;
      expect(attribute).toMatchObject({ enumerable: true, configurable: true });
      expect(attribute.get!.name).toBe(`get ${name}`);
      expect(attribute.set!.name).toBe(`set ${name}`);
      expect(() => Reflect.get(prototype, name)).toThrow(TypeError);
      expect(() => attribute.set!.call({}, "blob")).toThrow(TypeError);
    },
  );

  it.each([
    ["send", 1],
    ["close", 0],
  ] as const)("has the enumerable method %s of length %d", (name, length) => {
    expect(Object.getOwnPropertyDescriptor(prototype, name)).toMatchObject({
      writable: true,
      enumerable: true,
      configurable: true,
    });
    expect(prototype[name].length).toBe(length);
    expect(() => Reflect.apply(prototype[name], {}, ["x"])).toThrow(TypeError);
  });

  it("adds nothing enumerable to the standard's members", () => {
    const standard =
      "url CONNECTING OPEN CLOSING CLOSED readyState bufferedAmount onopen onerror onclose " +
      "extensions protocol close onmessage binaryType send";
    expect(Object.keys(prototype).toSorted()).toEqual(standard.split(" ").toSorted());
    expect(Object.keys(create("ws://host"))).toEqual([]);
  });

  it("can be subclassed", () => {
    class Chat extends WebSocket {
      say(text: string): void {
        this.sendString(text);
      }
    }
    const chat = new Chat("ws://host");
    expect(chat).toBeInstanceOf(WebSocket);
    expect(() => chat.say("hi")).toThrow(domException("InvalidStateError"));
  });
});

describe("binaryType", () => {
  it.each(["blob", "arraybuffer", "nonsense"])(
    "checks its receiver when %s is set (Web IDL)",
    (value) => {
      expect(() => Reflect.set(WebSocket.prototype, "binaryType", value, {})).toThrow(TypeError);
    },
  );

  it("is blob initially, accepts the values of the enumeration and ignores others", () => {
    const socket = create("ws://host");
    expect(socket.binaryType).toBe("blob");
    socket.binaryType = "arraybuffer";
    for (const other of ["nodebuffer", "", "Blob", null, 0]) {
      socket.binaryType = other as never;
      expect(socket.binaryType).toBe("arraybuffer");
    }
  });
});

describe("event handler attributes (HTML 8.1.8.1)", () => {
  it("are null initially, and null again for a value that is not an object", () => {
    const socket = create("ws://host");
    for (const name of ["onopen", "onmessage", "onerror", "onclose"] as const) {
      expect(socket[name]).toBe(null);
      const handler = (): void => {};
      socket[name] = handler;
      expect(socket[name]).toBe(handler);
      socket[name] = 5 as never;
      expect(socket[name]).toBe(null);
    }
  });

  it("keep an object that is not a function and do not call it (LegacyTreatNonObjectAsNull)", () => {
    const socket = create("ws://host");
    const handleEvent = vi.fn();
    const handler = { handleEvent };
    socket.onopen = handler as never;
    socket.dispatchEvent(new Event("open"));
    expect(socket.onopen).toBe(handler);
    expect(handleEvent).not.toHaveBeenCalled();
  });

  it("are called with the socket as this and only the event", () => {
    const socket = create("ws://host");
    const handler = vi.fn();
    const event = new Event("open");
    socket.addEventListener("open", () => {});
    socket.onopen = handler;
    socket.dispatchEvent(event);
    expect(handler.mock.contexts).toEqual([socket]);
    expect(handler.mock.calls).toEqual([[event]]);
  });

  it("keep their place among the listeners when replaced, and lose it when set to null", () => {
    const socket = create("ws://host");
    const calls: string[] = [];
    socket.addEventListener("open", () => calls.push("first"));
    socket.onopen = () => calls.push("replaced");
    socket.addEventListener("open", () => calls.push("last"));
    socket.onopen = () => calls.push("handler");
    socket.dispatchEvent(new Event("open"));
    expect(calls.splice(0)).toEqual(["first", "handler", "last"]);
    socket.onopen = null;
    socket.onopen = () => calls.push("handler");
    socket.dispatchEvent(new Event("open"));
    expect(calls).toEqual(["first", "last", "handler"]);
  });

  it("cancel the event by returning false", () => {
    const socket = create("ws://host");
    const event = new Event("open", { cancelable: true });
    socket.onopen = () => false;
    expect(socket.dispatchEvent(event)).toBe(false);
  });
});
