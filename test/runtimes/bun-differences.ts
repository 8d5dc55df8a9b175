import type { KnownDifference } from "./known-differences.ts";

/** The differences of Bun 1.4.5. */
export const BUN_DIFFERENCES: readonly KnownDifference[] = [
  {
    runtimes: ["bun"],
    reason:
      "tests with HTTP/2 in files of other areas fail, because `serve` refuses the option `http2`",
    reference: "https://github.com/oven-sh/bun/pull/33545",
    tests: [
      {
        path: "test/node/environment/debug-log.test.ts",
      },
      {
        path: "test/node/requests/async-context.test.ts",
        names: [
          "the AsyncLocalStorage store in callbacks of an application is the store of the call to serve or attach, with HTTP/2",
        ],
      },
      {
        path: "test/node/requests/client-certificate.test.ts",
        names: [
          "clientCertificate over HTTP/2 is not verified if rejectUnauthorized is false and its issuer is unknown",
          "clientCertificate over HTTP/2 is the verified certificate of the client, in every context",
          "clientCertificate over HTTP/2 is undefined if the client sends no certificate because the server requests none",
          "clientCertificate over HTTP/2 is undefined if the client shows none",
        ],
      },
      {
        path: "test/node/requests/early-data-buffer.test.ts",
        names: ["bytes that wait for authorize count for maxUnfinishedBytes, over HTTP/2"],
      },
      {
        path: "test/node/requests/request-target.test.ts",
        names: ["a request and a handshake over HTTP/2 for a path above 8 KiB get 414"],
      },
      {
        path: "test/server/routes/authorize-result.test.ts",
        names: ["an invalid result of authorize refuses the client over HTTP/2"],
      },
      {
        path: "test/server/requests/response-headers.test.ts",
        names: [
          "responseHeaders over HTTP/2 are sent with the 200, each Set-Cookie as a separate field",
          "responseHeaders over HTTP/2 may have names that every object has, such as constructor",
          "responseHeaders over HTTP/2 of more than 32,768 bytes refuse one client and leave the others connected",
          "responseHeaders over HTTP/2 throw for a field that HTTP/2 forbids",
        ],
      },
      {
        path: "test/server/by-option/on-refused.test.ts",
        names: [
          "onRefused with serve, which owns the port, reports closes over HTTP/2",
          "onRefused with serve, which owns the port, reports handshakes over HTTP/2: a Response of the application",
          "onRefused with serve, which owns the port, reports handshakes over HTTP/2: a malformed target",
          "onRefused with serve, which owns the port, reports handshakes over HTTP/2: another host",
          "onRefused with serve, which owns the port, reports handshakes over HTTP/2: another origin",
          "onRefused with serve, which owns the port, reports handshakes over HTTP/2: another version",
          "onRefused with serve, which owns the port, reports handshakes over HTTP/2: no route",
          "onRefused with serve, which owns the port, with trustProxy, reports the address and the host of the client over HTTP/2",
        ],
      },
    ],
  },
  {
    runtimes: ["bun"],
    reason: "the accelerators are off, and the garbage collection is paced only in V8",
    tests: [
      {
        path: "test/node/serve/fast-paths.test.ts",
        names: [
          "TIDEWAY_FAST_PATHS= leaves fast paths on",
          "TIDEWAY_FAST_PATHS=1 leaves fast paths on",
          "TIDEWAY_FAST_PATHS=undefined leaves fast paths on",
        ],
      },
      {
        path: "test/node/serve/serve-environment.test.ts",
        names: [
          'attach with fastPaths: true uses ["fetch.deferRequest","fetch.wholeBody","requestLimiter.limit","tcp.canWrite","tcp.shareReads","tcp.write"]',
        ],
      },
      {
        path: "test/node/serve/shared-port.test.ts",
        names: ["workers of node:cluster share a port, and answer handshakes on the fast path"],
      },
      {
        path: "test/node/tcp/socket-transport.test.ts",
        names: [
          "paces the garbage collection by the bytes that a socket reads into its own buffers",
        ],
      },
    ],
  },
  {
    runtimes: ["bun"],
    reason:
      "a connection reaches the server with its first byte, so `stop` does not close a silent one",
    reference: "https://github.com/oven-sh/bun/pull/36074",
    tests: [
      {
        path: "test/node/serve/listening-server.test.ts",
        names: [
          "stop drops idle and silent connections at once",
          "stop, over TCP, drops a connection with nothing at its deadline at the latest",
          "stop, over TCP, without fast paths, drops a connection with nothing at its deadline at the latest",
        ],
      },
    ],
  },
  {
    runtimes: ["bun"],
    reason:
      "`node:http` treats a pipelined handshake as an ordinary request or reads it later, so the server does not refuse it",
    reference: "https://github.com/oven-sh/bun/issues/43420",
    tests: [
      {
        path: "test/hostile/bad-requests.test.ts",
        names: [
          "the response to a malformed opening handshake follows the earlier response if the handshake was pipelined",
        ],
      },
      {
        path: "test/server/by-option/on-refused.test.ts",
        names: [
          "onRefused with serve, which owns the port, reports the address and the host of the client with trustProxy: a pipelined handshake",
        ],
      },
    ],
  },
  {
    runtimes: ["bun"],
    reason:
      "`clientCertificate` is undefined, because a request of `node:https` does not have the certificate",
    reference: "https://github.com/oven-sh/bun/pull/37255",
    tests: [
      {
        path: "test/node/requests/client-certificate.test.ts",
        names: [
          "clientCertificate over HTTP/1.1 is not verified if rejectUnauthorized is false and its issuer is unknown",
          "clientCertificate over HTTP/1.1 is the verified certificate of the client, in every context",
        ],
      },
    ],
  },
  {
    runtimes: ["bun"],
    reason:
      "the parser of Bun accepts equal `Content-Length` fields, and counts white space and dropped fields for the size of a head",
    tests: [
      {
        path: "test/hostile/hostile-heads.test.ts",
        names: [
          "the head of a handshake, over 'attach', with 1 MB of spaces before a value is accepted",
          "the head of a handshake, over 'attach', with two Content-Length fields of 0 is answered with 400 and does not affect other clients",
          "the head of a handshake, over 'serve', with 1 MB of spaces before a value is accepted",
          "the head of a handshake, over 'serve', with two Content-Length fields of 0 is answered with 400 and does not affect other clients",
        ],
      },
    ],
  },
  {
    runtimes: ["bun"],
    reason:
      "errors of TLS, of sockets and of `fetch` have other texts and properties, and uncaught errors are printed in another form",
    tests: [
      {
        path: "test/node/client/open-stream.test.ts",
        names: [
          "a createConnection function that returns a promise of a socket with an unavailable local address makes the attempt fail",
          "a createConnection function that returns a socket with an unavailable local address makes the attempt fail",
        ],
      },
      {
        path: "test/node/client/why-it-failed.test.ts",
        names: [
          "every stream and loop of a socket rejects with the reason for the failure: a certificate without a trusted issuer",
          "the first client of the README reports the cause when no server listens",
        ],
      },
      {
        path: "test/node/serve/serve.test.ts",
        names: [
          "HTTP handlers have their response aborted, and are reported, if its body fails midway",
        ],
      },
    ],
  },
  {
    runtimes: ["bun"],
    reason: "an invalid certificate is not reported by the call that starts to listen",
    tests: [
      {
        path: "test/node/serve/listening-server.test.ts",
        names: ["listening throws at once for a malformed certificate"],
      },
    ],
  },
  {
    runtimes: ["bun"],
    reason:
      "servers do not listen through `net.Server`, so a test cannot see the length of the queue that `backlog` asks for",
    tests: [
      {
        path: "test/node/serve/listen.test.ts",
        names: [
          "serve({ backlog }) asks for a queue of 4096 connections with { Object (path) }",
          "serve({ backlog }) asks for a queue of 4096 connections with { port: +0, host: '127.0.0.1' }",
          "serve({ backlog }) asks for a queue of 1 connections with { port: +0, host: '127.0.0.1', …(1) }",
          "serve({ backlog }) asks for a queue of 65535 connections with { port: +0, host: '127.0.0.1', …(1) }",
        ],
      },
    ],
  },
  {
    runtimes: ["bun"],
    reason:
      "Bun replaces the package `ws` by its own, and does not load modules from `data:` URLs as the tests need it",
    tests: [
      {
        path: "test/interop/compression.test.ts",
        names: [
          "our server with the compression of the ws client does not compress messages below thresholdBytes or with { compress: false }",
        ],
      },
      {
        path: "test/ws/index.test.ts",
        names: ["the class keeps its properties in a bundle that uses no other export"],
      },
    ],
  },
  {
    runtimes: ["bun"],
    reason:
      "`shouldKeepAlive` of a response is true even if the client asked for `Connection: close`",
    tests: [
      {
        path: "test/ws/web-socket-server.test.ts",
        names: ["an HTTP request to the port gets 426 and Upgrade, with Connection: close"],
      },
    ],
  },
  {
    runtimes: ["bun"],
    reason: "more than 16 pipelined requests without an answer are answered with 503 over TLS too",
    tests: [
      {
        path: "test/node/http/request-queue.test.ts",
        names: [
          "at most 16 requests per connection are pending with serve with TLS; the others follow in order",
          "at most 16 requests per connection are pending with attach to node:https; the others follow in order",
        ],
      },
    ],
  },
  {
    runtimes: ["bun"],
    reason:
      "100,000 subscriptions take longer than the timeout of their test. The cause is not known",
    tests: [
      {
        path: "test/channels/server/subscriptions.test.ts",
        names: [
          "many subscriptions of 100,000 asked for, maxSubscriptions are served, and all are answered",
        ],
      },
    ],
  },
  {
    runtimes: ["bun"],
    reason:
      "`bytesRead` of a socket is always 0, so a request that does not arrive in time gets 408 without a report to `onRefused`",
    tests: [
      {
        path: "test/server/by-option/on-refused.test.ts",
        names: [
          "onRefused with serve, which owns the port, does not report connections that send nothing",
        ],
      },
    ],
  },
];
