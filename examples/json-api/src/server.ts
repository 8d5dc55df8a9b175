import { serve } from "tideway/server";
import { TaskList } from "./task-route.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

const server = await serve({
  port: Number(process.env["PORT"] ?? 8080),
  routes: { "ws:/tasks": new TaskList().route },
});
const stop = (): void => {
  // A second signal ends the process at once.
  for (const signal of SIGNALS) process.off(signal, stop);
  void server.stop({ drain: {} });
};
for (const signal of SIGNALS) process.on(signal, stop);
console.log(`The tasks are at ${server.url.replace("http", "ws")}/tasks`);
