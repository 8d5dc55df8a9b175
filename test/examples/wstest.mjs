// Replaces the test suite that scripts/autobahn.mjs starts, with three cases that expect an echo.
// Like the test suite, it writes index.json and succeeds with any verdict. WSTEST_VERDICT replaces
// the verdict of case 1.1.1.
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { WebSocket, WebSocketServer } from "ws";

const CASES = ["1.1.1", "1.2.1", "7.1.6"];

const { values } = parseArgs({
  options: {
    mode: { type: "string" },
    spec: { type: "string" },
    webport: { type: "string" },
  },
});
const { outdir, servers, url } = JSON.parse(readFileSync(values.spec, "utf8"));
const report = {};

if (values.mode === "fuzzingclient") await testServer(servers[0]);
else testClient(new URL(url));

async function testServer({ agent, url: peer }) {
  for (const id of CASES) {
    const socket = new WebSocket(peer);
    await once(socket, "open");
    addVerdict(id, await isEchoed(socket));
  }
  writeReport(agent);
}

function testClient({ hostname, port }) {
  const server = new WebSocketServer({ host: hostname, port: Number(port) });
  server.on("connection", (socket, request) => void serve(socket, request));
}

async function serve(socket, request) {
  const { pathname, searchParams } = new URL(request.url, url);
  if (pathname === "/getCaseCount") socket.send(String(CASES.length));
  if (pathname === "/runCase") {
    addVerdict(CASES[Number(searchParams.get("case")) - 1], await isEchoed(socket));
  }
  if (pathname === "/updateReports") writeReport(searchParams.get("agent"));
  socket.close();
}

async function isEchoed(socket) {
  socket.send("hello");
  const [data] = await once(socket, "message");
  socket.close();
  return String(data) === "hello";
}

function addVerdict(id, hasPassed) {
  const verdict = id === "7.1.6" ? "INFORMATIONAL" : hasPassed ? "OK" : "FAILED";
  const given = id === "1.1.1" ? process.env.WSTEST_VERDICT : undefined;
  report[id] = { behavior: given ?? verdict, behaviorClose: "OK" };
}

function writeReport(agent) {
  writeFileSync(join(outdir, "index.json"), JSON.stringify({ [agent]: report }));
}
