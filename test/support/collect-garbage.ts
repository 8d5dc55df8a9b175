import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const { Bun } = globalThis as { readonly Bun?: { gc(isSynchronous: boolean): number } };

/** Frees all objects that nothing refers to. */
export const collectGarbage: () => void = Bun === undefined ? ofV8() : () => void Bun.gc(true);

function ofV8(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}
