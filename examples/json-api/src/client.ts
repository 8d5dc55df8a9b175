// A command line for the API: client.js list | add TITLE | complete NUMBER | watch
import type { Task } from "./messages.ts";
import { TaskClient } from "./task-client.ts";

const USAGE =
  "usage: npm run client -w examples/json-api -- list | add TITLE | complete NUMBER | watch";

const [command, argument = ""] = process.argv.slice(2);
const url = process.env["URL"] ?? "ws://localhost:8080/tasks";

try {
  await run();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function run(): Promise<void> {
  if (!["list", "add", "complete", "watch"].includes(command)) throw new Error(USAGE);
  const client = await TaskClient.connect(url, command === "watch" ? print : undefined);
  if (command === "watch") return;
  try {
    if (command === "list") for (const task of await client.list()) print(task);
    else
      print(await (command === "add" ? client.add(argument) : client.complete(Number(argument))));
  } finally {
    client.close();
  }
}

function print({ id, title, isDone }: Task): void {
  console.log(`${isDone ? "[x]" : "[ ]"} ${id} ${title}`);
}
