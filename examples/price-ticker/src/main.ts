// Starts the publisher and one server for each URL in SERVERS, each as a process.
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { onSignal, SERVERS } from "./settings.ts";

const children = [
  ...SERVERS.map((url) => start("server.js", { PORT: new URL(url).port })),
  start("publisher.js"),
];
onSignal(() => {
  for (const child of children) child.kill("SIGTERM");
});

function start(script: string, environment: Record<string, string> = {}): ChildProcess {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const env = { ...process.env, ...environment };
  // A separate process group: otherwise the process would get Ctrl+C twice, from the terminal and from this
  // one.
  const child = spawn(process.execPath, [path], { env, stdio: "inherit", detached: true });
  child.once("exit", (code, signal) => {
    console.log(`Process ${child.pid} has ended: ${signal ?? `exit status ${code}`}`);
    if (code !== null && code !== 0) process.exitCode = 1;
  });
  return child;
}
