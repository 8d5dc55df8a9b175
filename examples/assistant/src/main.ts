// Starts a worker, and one server for each URL in SERVERS, each as a process. They share Redis.
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { onSignal, SERVERS } from "./settings.ts";
import { startWorker } from "./worker-process.ts";

const key = process.env["WORKER_KEY"] ?? randomUUID();
const servers = SERVERS.map((url) => startServer(new URL(url).port));
const worker = startWorker(SERVERS, key);

onSignal(() => {
  for (const server of servers) server.kill("SIGTERM");
});
await Promise.all(servers.map((server) => new Promise((resolve) => server.once("exit", resolve))));
await worker.stop();

function startServer(port: string): ChildProcess {
  const path = fileURLToPath(new URL("server.js", import.meta.url));
  const env = { ...process.env, PORT: port, WORKER_KEY: key };
  // A separate process group: otherwise the process would get Ctrl+C twice, from the terminal and from this
  // process.
  const server = spawn(process.execPath, [path], { env, stdio: "inherit", detached: true });
  server.once("exit", (code, signal) => {
    console.log(`Process ${server.pid} has ended: ${signal ?? `exit status ${code}`}`);
    if (code !== null && code !== 0) process.exitCode = 1;
  });
  return server;
}
