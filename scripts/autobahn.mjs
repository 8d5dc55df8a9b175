// Runs the Autobahn test suite against examples/echo in its public container, and fails unless every case passes:
//   npm run autobahn
//   npm run autobahn -- --role server --cases "1.*,2.*"
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { checkReport } from "./autobahn/check-report.mjs";

const IMAGE = "crossbario/autobahn-testsuite:25.10.1";
const AGENT = "tideway";
const ECHO = "examples/echo/dist";
const MAX_MESSAGE_BYTES = String(16 * 1024 * 1024);
const ROLES = ["server", "client"];
const USAGE = `usage: npm run autobahn -- [options]

  --role ROLE       test our server or our client (default: both, one after the other)
  --cases GLOBS     the cases to run, separated by commas (default: all)
  --port N          the port of the server under test, or of the test suite (default 9001)
  --wstest COMMAND  an installed test suite to use instead of the container
`;

const { values } = parseArgs({
  options: {
    role: { type: "string" },
    cases: { type: "string", default: "*" },
    port: { type: "string", default: "9001" },
    wstest: { type: "string" },
    help: { type: "boolean", short: "h", default: false },
  },
});

if (values.help || (values.role !== undefined && !ROLES.includes(values.role))) {
  console.error(USAGE);
  process.exit(2);
}

for (const role of values.role === undefined ? ROLES : [values.role]) {
  const folder = join("test-artefacts/autobahn", `${role}-${new Date().toISOString()}`);
  const cases = await (role === "server" ? testServer : testClient)(folder.replaceAll(":", "-"));
  if (!printResult(role, cases)) process.exitCode = 1;
}

/** Tests our echo server with the suite. Returns the report. */
async function testServer(folder) {
  const args = ["--port", values.port, "--host", "127.0.0.1"];
  const server = startEcho("server.js", args);
  try {
    await accepts(server);
    const suite = startSuite(folder, "fuzzingclient", {
      outdir: reportFolder(folder),
      servers: [{ agent: AGENT, url: `ws://127.0.0.1:${values.port}` }],
    });
    await succeeds(suite, "the test suite");
    // The suite does not fail if the server exits before the last case.
    if (server.exitCode !== null) throw new Error(`the echo server ended: ${server.exitCode}`);
  } finally {
    await end(server);
  }
  return readReport(folder);
}

/** Tests our client with all cases of the suite. Returns the report. */
async function testClient(folder) {
  const url = `ws://127.0.0.1:${values.port}`;
  const suite = startSuite(folder, "fuzzingserver", { outdir: reportFolder(folder), url });
  try {
    await accepts(suite);
    await succeeds(startEcho("client.js", [url]), "the client");
  } finally {
    await end(suite);
  }
  return readReport(folder);
}

function startEcho(script, args) {
  const limits = ["--deflate", "--max-message-bytes", MAX_MESSAGE_BYTES];
  return start(process.execPath, [join(ECHO, script), ...args, ...limits]);
}

/** Starts the suite, with `spec` as its settings. */
function startSuite(folder, mode, spec) {
  mkdirSync(join(folder, "reports"), { recursive: true });
  const settings = { cases: values.cases.split(","), "exclude-cases": [], ...spec };
  writeFileSync(
    join(folder, "spec.json"),
    JSON.stringify({ ...settings, "exclude-agent-cases": {} }),
  );
  const isContainer = values.wstest === undefined;
  const args = ["--mode", mode, "--spec", join(isContainer ? "/autobahn" : folder, "spec.json")];
  // The suite would also serve a page on port 8080.
  if (mode === "fuzzingserver") args.push("--webport", "0");
  if (!isContainer) {
    const [command, ...first] = values.wstest.split(" ");
    return start(command, [...first, ...args]);
  }
  // Uses the network of the host, because server and suite connect over loopback.
  const options = ["--rm", "--init", "--network", "host", "-v", `${resolve(folder)}:/autobahn`];
  return start("docker", ["run", ...options, IMAGE, "wstest", ...args]);
}

/** Where the suite writes its report: in the container, or here. */
function reportFolder(folder) {
  return join(values.wstest === undefined ? "/autobahn" : folder, "reports");
}

function readReport(folder) {
  const file = join(folder, "reports/index.json");
  console.log(`The report is ${file.replace(/json$/, "html")}.`);
  return JSON.parse(readFileSync(file, "utf8"))[AGENT] ?? {};
}

/** Prints each case that did not pass. Returns whether all passed. */
function printResult(role, cases) {
  const { passed, informational, failed } = checkReport(cases);
  for (const { id, behavior, behaviorClose } of failed) {
    console.error(`${role}: case ${id}: ${behavior}, closing handshake: ${behaviorClose}`);
  }
  const counts = `${passed} passed, ${informational} informational, ${failed.length} failed`;
  console.log(`${role}: ${counts}`);
  if (passed === 0) console.error(`${role}: no case passed; did the suite reach its peer?`);
  return passed > 0 && failed.length === 0;
}

function start(command, args) {
  const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"] });
  child.once("error", (error) => console.error(`${command} did not start: ${error.message}`));
  return child;
}

/** Waits until `--port` accepts a connection. Rejects if `child` ends first. */
async function accepts(child) {
  for (;;) {
    const socket = connect(Number(values.port), "127.0.0.1");
    try {
      await once(socket, "connect");
      return;
    } catch {
      if (hasEnded(child)) throw new Error(`nothing listens on port ${values.port}`);
      await delay(100);
    } finally {
      socket.destroy();
    }
  }
}

async function succeeds(child, name) {
  const [code, signal] = await once(child, "exit");
  if (code !== 0) throw new Error(`${name} failed: ${signal ?? `exit status ${code}`}`);
}

/** Ends a process, and kills it if it still runs after 10 seconds. */
async function end(child) {
  if (hasEnded(child)) return;
  const exited = once(child, "exit");
  child.kill();
  const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await exited;
  clearTimeout(timer);
}

function hasEnded({ pid, exitCode, signalCode }) {
  return pid === undefined || exitCode !== null || signalCode !== null;
}
