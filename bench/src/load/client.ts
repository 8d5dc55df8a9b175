/** The load client: a process of its own, pinned to its own core, that does what it is told. */
import { runEcho } from "./echo.ts";
import type { LoadAnswer, LoadOrder } from "./protocol.ts";

process.on("message", (order: LoadOrder) => {
  runEcho(order).then(answer, (error: unknown) => {
    answer({ failure: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  });
});

function answer(result: LoadAnswer): void {
  process.send?.(result);
}
