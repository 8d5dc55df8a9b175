import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** An input that broke something once, or that reaches what chance seldom does. */
export interface CorpusEntry {
  /** What is special about it, in a few words; the file's name. */
  readonly name: string;
  readonly input: unknown;
}

/** The inputs committed for a target: the JSON files in the folder of its name. */
export function readCorpus(directory: string, target: string): CorpusEntry[] {
  const folder = join(directory, target);
  return readdirSync(folder)
    .toSorted()
    .map((file) => ({
      name: file.replace(/\.json$/, "").replaceAll("-", " "),
      input: JSON.parse(readFileSync(join(folder, file), "utf8")) as unknown,
    }));
}
