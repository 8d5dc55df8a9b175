import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** An input that once failed, or that random generation rarely reaches. */
export interface CorpusEntry {
  /** A short description, which is the name of the file. */
  readonly name: string;
  readonly input: unknown;
}

/** The committed inputs of a target: the JSON files in the folder with its name. */
export function readCorpus(directory: string, target: string): CorpusEntry[] {
  const folder = join(directory, target);
  return readdirSync(folder)
    .toSorted()
    .map((file) => ({
      name: file.replace(/\.json$/, "").replaceAll("-", " "),
      input: JSON.parse(readFileSync(join(folder, file), "utf8")) as unknown,
    }));
}
