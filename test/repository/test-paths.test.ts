import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");

/** The files below a folder of the repository, from its root. */
function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .map((name) => `${folder}/${name.replaceAll("\\", "/")}`);
}

/** Tests in a folder of src that do not belong to a single file. */
const OF_SEVERAL_FILES: ReadonlyArray<readonly [reason: string, tests: readonly string[]]> = [
  [
    "the imports of users: the size of a bundle, the exported names, and a page in a browser",
    [
      "browser/browser-size",
      "browser/entry-points",
      "browser/firefox.browser",
      "browser/page.browser",
    ],
  ],
  [
    "the client from the URL to the events",
    [
      "node/client/dom/happy-dom",
      "node/client/dom/jsdom",
      "node/client/one-task-each",
      "node/client/response-headers",
      "node/client/return-after-drain",
      "node/client/tcp",
      "node/client/unix-socket",
      "node/client/web-socket-stream",
      "node/client/why-it-failed",
    ],
  ],
  [
    "WebSockets and requests over HTTP/2, and hostile peers",
    [
      "node/http2/backpressure",
      "node/http2/chromium.browser",
      "node/http2/floods",
      "node/http2/handshakes",
      "node/http2/hostile",
      "node/http2/node-clients.runtime",
      "node/http2/requests",
      "node/http2/stalled-connections",
      "node/http2/stop",
      "node/http2/trust-proxy",
      "node/http2/web-socket",
    ],
  ],
  [
    "the runtime: its event loop, its async context, and messages of a gibibyte",
    [
      "node/client/async-context",
      "node/environment/stalled-event-loop",
      "node/requests/async-context",
      "node/tcp/gibibyte",
    ],
  ],
  [
    "an endpoint with limits, and with many messages in one write",
    ["protocol/limits", "protocol/many-messages"],
  ],
  ["messages of channels that are too big for one end", ["channels/server/message-sizes"]],
  ["several processes on one port", ["node/serve/shared-port", "node/serve/shared-port.runtime"]],
  ["a socket and the transport below it", ["server/backpressure"]],
  ["a handshake from the request to the handler", ["server/upgrade"]],
  [
    "everything that runs in memory, under the fake timers of test runners",
    ["testing/fake-timers"],
  ],
  [
    "subscribers of a topic, with slow and failing brokers",
    [
      "topics/broker-services",
      "topics/broker-services.runtime",
      "topics/nats/nats-cluster.engine",
      "topics/presence",
      "topics/redis/redis-cluster.engine",
      "topics/slow-subscribers",
      "topics/subscribe",
    ],
  ],
];

const listed = new Set(
  OF_SEVERAL_FILES.flatMap(([, tests]) => tests.map((test) => `test/${test}.test.ts`)),
);

const sources = new Set(filesBelow("src", ".ts"));
const layers = new Set([...sources].map((path) => path.split("/")[1]));
const testsOfLayers = filesBelow("test", ".test.ts").filter((path) =>
  layers.has(path.split("/")[1]),
);

/** The source of a test, by the path of the test. */
function sourceOf(test: string): string {
  return test.replace(/^test/, "src").replace(/(\.(browser|engine|runtime))?\.test\.ts$/, ".ts");
}

const BY_OPTION = /^test\/server\/by-option\/(.*)\.test\.ts$/;

it("each test is at the path of its source, named after its option, or listed here", () => {
  const lost = testsOfLayers.filter(
    (test) => !sources.has(sourceOf(test)) && !BY_OPTION.test(test) && !listed.has(test),
  );
  expect(lost).toEqual([]);
});

it("each listed test exists and has no source at its path", () => {
  const wrong = [...listed].filter(
    (test) => !existsSync(join(root, test)) || sources.has(sourceOf(test)),
  );
  expect(wrong).toEqual([]);
});

it.each([
  "server/upgrade/upgrade-gate",
  "topics/subscribers/feed",
  "topics/subscribers/subscriber",
  "topics/nats/nats-log",
])("src/%s.ts has a test at its path", (path) => {
  expect(sources).toContain(`src/${path}.ts`);
  expect(testsOfLayers).toContain(`test/${path}.test.ts`);
});

it("each test of server/by-option is named after an option", () => {
  const text = filesBelow("src/server", ".ts")
    .map((path) => readFileSync(join(root, path), "utf8"))
    .join("\n");
  const unknown = testsOfLayers.filter((test) => {
    const kebab = BY_OPTION.exec(test)?.[1];
    if (kebab === undefined) return false;
    const option = kebab.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
    return !new RegExp(String.raw`^  (readonly )?${option}(Ms)?\?: `, "m").test(text);
  });
  expect(unknown).toEqual([]);
});

/** The tests of the package `tideway-ws`, with which npm replaces `ws` in other packages. */
const OF_THE_OVERRIDE = new Set([
  "compat/overrides.runtime.test.ts",
  "compat/overrides.test.ts",
  "compat/tideway-ws.test.ts",
]);

it("each test of compat is named after a package that compat/package.json lists", () => {
  const { devDependencies } = JSON.parse(
    readFileSync(join(root, "compat/package.json"), "utf8"),
  ) as { devDependencies: Record<string, string> };
  // "@trpc/server" is tested by trpc-server.test.ts, or by several files such as trpc-server.errors.test.ts.
  const names = Object.keys(devDependencies).map((name) =>
    name.replace("@", "").replaceAll("/", "-"),
  );
  const others = filesBelow("compat", ".test.ts")
    .filter((path) => !path.includes("/node_modules/"))
    .filter((path) => !OF_THE_OVERRIDE.has(path))
    .filter((path) => !names.some((name) => path.startsWith(`compat/${name}.`)));
  expect(others).toEqual([]);
});
