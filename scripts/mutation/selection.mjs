// A checker for Stryker that lets only some mutants run: those listed in the file MUTATION_SELECTION.
import { readFileSync } from "node:fs";
import { PluginKind, declareClassPlugin } from "@stryker-mutator/api/plugin";

/** Identifies a mutant across runs on the same sources. */
export function keyOfMutant({ fileName, location, mutatorName, replacement }) {
  const { start, end } = location;
  return key(fileName, start, end, 1, mutatorName, replacement);
}

/** The key of a result, which counts lines and columns from 1, unlike a mutant. */
export function keyOfResult({ fileName, location, mutatorName, replacement }) {
  const { start, end } = location;
  return key(fileName, start, end, 0, mutatorName, replacement);
}

function key(fileName, start, end, offset, mutatorName, replacement) {
  const file = fileName.slice(fileName.lastIndexOf("/src/") + 1);
  const position = ({ line, column }) => `${line + offset}:${column + offset}`;
  return `${file}:${position(start)}-${position(end)} ${mutatorName} ${replacement}`;
}

class SelectionChecker {
  #selected = new Set();

  async init() {
    this.#selected = new Set(JSON.parse(readFileSync(process.env.MUTATION_SELECTION, "utf8")));
  }

  async group(mutants) {
    return [mutants.map(({ id }) => id)];
  }

  async check(mutants) {
    return Object.fromEntries(mutants.map((mutant) => [mutant.id, this.#resultOf(mutant)]));
  }

  #resultOf(mutant) {
    if (this.#selected.has(keyOfMutant(mutant))) return { status: "passed" };
    return { status: "compileError", reason: "not selected" };
  }
}

export const strykerPlugins = [
  declareClassPlugin(PluginKind.Checker, "selection", SelectionChecker),
];
