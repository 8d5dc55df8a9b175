import type { KnownDifference } from "./known-differences.ts";

/** The differences of Deno 2.9.6. */
export const DENO_DIFFERENCES: readonly KnownDifference[] = [
  {
    runtimes: ["deno"],
    reason: "pipelined requests in random pieces are answered with 503 too",
    tests: [
      {
        path: "test/node/http/request-queue.test.ts",
        names: [
          "at most 16 requests per connection are pending for any split of the bytes and any bodies",
        ],
      },
    ],
  },
  {
    runtimes: ["deno"],
    reason:
      "tests of floods and of stalled peers over HTTP/2 fail, so its limits are not proven. Leave HTTP/2 to a proxy, or set `http2: false`",
    tests: [
      {
        path: "test/node/environment/debug-log.test.ts",
        names: ["NODE_DEBUG=tideway writes a line when an HTTP/2 stream was reset"],
      },
      {
        path: "test/node/http2/floods.test.ts",
        names: [
          "requests that are reset (CVE-2023-44487) before their response end the connection after a thousand",
          "requests that are reset while authorize ignores its signal before their response end the connection after a thousand",
          "handshakes that are ended before their response wait for at most 16 calls of authorize",
          "frames of an unknown type are ignored in any number (RFC 9113 4.1)",
        ],
      },
      {
        path: "test/node/http2/stalled-connections.test.ts",
        names: [
          "sockets of a client that reads nothing end in time, and their connection ends too",
          "sockets of a client that reads nothing and has closed their windows end in time, and their connection ends too",
          "a client that sends and never reads loses its connection despite an open socket",
        ],
      },
      {
        path: "test/node/http2/requests.test.ts",
        names: ["an unread body does not delay the response"],
      },
    ],
  },
  {
    runtimes: ["deno"],
    reason:
      "invalid certificates and options of TLS fail with the first handshake, and not at the call",
    tests: [
      {
        path: "test/client/web-socket-stream.test.ts",
        names: [
          "new WebSocketStream (WHATWG WebSockets, pull request 48) leaves no listener on a signal when its options throw",
        ],
      },
      {
        path: "test/node/serve/listening-server.test.ts",
        names: ["listening throws at once for a malformed certificate"],
      },
      {
        path: "test/node/client/open-stream.test.ts",
        names: [
          "a createConnection function that returns a stream for invalid TLS options fails, and the stream is destroyed",
        ],
      },
    ],
  },
  {
    runtimes: ["deno"],
    reason: "errors of TLS and of listening have other codes",
    tests: [
      {
        path: "test/node/http2/handshakes.test.ts",
        names: [
          "the server closes a connection when its TLS handshake exceeds the timeout: h2",
          "the server closes a connection when its TLS handshake exceeds the timeout: http/1.1",
          "the server refuses renegotiation over TLS 1.2 (RFC 9113 9.2.1)",
        ],
      },
      {
        path: "test/node/serve/listening-server.test.ts",
        names: ["listening rejects when the host is not an address of this machine"],
      },
    ],
  },
  {
    runtimes: ["deno"],
    reason:
      "the zlib of Deno ignores `dictionary`, so context takeover works only with the default `fastPaths: true`",
    tests: [
      {
        path: "test/protocol/deflate/codec.test.ts",
        names: [
          "the codec over the public one-shot functions inflates references to the previous message (RFC 7692 7.2.3.2)",
          "the codec over the public one-shot functions uses the context with context takeover",
        ],
      },
    ],
  },
  {
    runtimes: ["deno"],
    reason: "`node:http` ignores the status text of a response",
    tests: [
      {
        path: "test/node/serve/serve.test.ts",
        names: ["HTTP handlers receive the whole request, and their whole response is sent"],
      },
    ],
  },
  {
    runtimes: ["deno"],
    reason:
      "a write to a closed connection fails late, so the callback of `send` of `tideway/ws` gets the error after 'close'",
    tests: [
      {
        path: "test/ws/web-socket.test.ts",
        names: ["a callback of WebSocket.send gets the error of a write that fails at once"],
      },
    ],
  },
  {
    runtimes: ["deno"],
    reason: "the client of Deno resumes no TLS session, and reports no server name as null",
    tests: [
      {
        path: "test/node/client/tcp.test.ts",
        names: ["wss sends the server name over TLS, but no IP address (RFC 6066 3)"],
      },
      {
        path: "test/node/client/http-proxy.test.ts",
        names: ["httpProxy sends the name of a proxy over TLS, but no IP address (RFC 6066 3)"],
      },
      {
        path: "test/ws/client/create-connection.test.ts",
        names: [
          "over TLS the client sends a host name, but not an IP address, as the server name (RFC 6066 3)",
        ],
      },
      {
        path: "test/node/requests/client-certificate.test.ts",
        names: ["a resumed TLS session does not count as verified"],
      },
    ],
  },
  {
    runtimes: ["deno"],
    reason:
      "the process emits no `uncaughtException` for an error that a callback of `tideway/ws` throws",
    tests: [
      {
        path: "test/ws/server/verify-client.test.ts",
        names: [
          "a verifyClient that returns its decision answers 500 if it throws, and does not hide the error",
        ],
      },
      {
        path: "test/ws/web-socket-server.test.ts",
        names: [
          "handleProtocols answers 500 if it throws, and does not hide the error",
          "handleUpgrade does not answer 500 on an open WebSocket if the callback throws",
        ],
      },
    ],
  },
  {
    runtimes: ["deno"],
    reason: "`Event` does not accept null for its options",
    tests: [
      {
        path: "test/client/close-event.test.ts",
        names: [
          "the CloseEvent for runtimes without a built-in one converts its dictionary as Web IDL does",
        ],
      },
    ],
  },
  {
    runtimes: ["deno"],
    reason: "a server emits no 'drop' event when it drops a connection above `maxConnections`",
    tests: [
      {
        path: "test/node/environment/debug-log.test.ts",
        names: ["NODE_DEBUG=tideway writes a line when a server has too many connections"],
      },
    ],
  },
  {
    runtimes: ["deno"],
    reason: "the accelerators are off, so no line says that other code prevents one",
    tests: [
      {
        path: "test/node/environment/debug-log.test.ts",
        names: ["NODE_DEBUG=tideway writes a line when other code prevents a fast path"],
      },
    ],
  },
  {
    runtimes: ["deno"],
    reason: "`node:http` handles requests that arrive after the server has refused a late body",
    tests: [
      {
        path: "test/node/http/request-queue.test.ts",
        names: [
          "a malformed or late body is refused with 408 after the responses to earlier requests, and no later request is handled",
        ],
      },
    ],
  },
];
