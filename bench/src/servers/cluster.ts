/** Runs the server program in its argument in two processes on one port. */
import cluster from "node:cluster";
import { fileURLToPath } from "node:url";
import { type ReadyAnswer, ready } from "../subject.ts";

const PROCESSES = 2;

cluster.setupPrimary({ exec: fileURLToPath(new URL(process.argv[2], import.meta.url)) });
const answers = await Promise.all(Array.from({ length: PROCESSES }, start));
ready(answers[0].port, [process.pid, ...answers.flatMap(({ pids }) => pids)]);

function start(): Promise<ReadyAnswer> {
  return new Promise((resolve) => {
    cluster.fork().once("message", resolve);
  });
}
