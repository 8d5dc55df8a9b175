import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Program } from "./programs.ts";

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));
const COMPILED_BENCH = fileURLToPath(new URL(".", import.meta.url));

/** This package at an earlier commit, with the current programs of the bench. */
export interface OtherVersion {
  /** The first program of this package among `programs`, with the earlier and with the current package. */
  pairsOf(programs: readonly Program[]): readonly Program[];
  remove(): void;
}

/**
 * Compiles the sources of a commit in a temporary directory. Copies of the current programs are next to a
 * `node_modules` with the earlier package, so they import the earlier package.
 */
export function buildOtherVersion(ref: string): OtherVersion {
  const commit = commitOf(ref);
  const directory = mkdtempSync(join(tmpdir(), "tideway-bench-"));
  const remove = (): void => {
    rmSync(directory, { recursive: true, force: true });
  };
  process.once("exit", remove);
  try {
    build(commit, directory);
  } catch (error) {
    remove();
    throw error;
  }
  const programs = `${directory}/bench/dist/`;
  return {
    pairsOf: (all) =>
      all
        .filter(({ library }) => library === "tideway")
        .slice(0, 1)
        .flatMap((program) => [
          { ...program, name: `tideway at ${ref}`, directory: programs },
          program,
        ]),
    remove,
  };
}

function commitOf(ref: string): string {
  try {
    const argv = ["-C", REPOSITORY, "rev-parse", "--verify", "--quiet", `${ref}^{commit}`];
    return execFileSync("git", argv, { encoding: "utf8" }).trim();
  } catch (cause) {
    throw new Error(`--against: ${ref} is not a commit of this repository`, { cause });
  }
}

function build(commit: string, directory: string): void {
  const old = `${directory}/tideway`;
  mkdirSync(old);
  const archive = execFileSync("git", ["-C", REPOSITORY, "archive", commit], {
    maxBuffer: 1024 ** 3,
  });
  execFileSync("tar", ["-x", "-C", old], { input: archive });
  symlinkSync(`${REPOSITORY}node_modules`, `${old}/node_modules`);
  // Earlier commits do not have all folders.
  const projects = ["src/node", "src/topics", "src/ws", "src/channels/server"].filter((project) =>
    existsSync(`${old}/${project}`),
  );
  execFileSync(
    process.execPath,
    [`${REPOSITORY}node_modules/typescript/bin/tsc`, "-b", ...projects],
    {
      cwd: old,
      stdio: ["ignore", "inherit", "inherit"],
    },
  );
  cpSync(COMPILED_BENCH, `${directory}/bench/dist`, { recursive: true });
  cpSync(`${REPOSITORY}bench/package.json`, `${directory}/bench/package.json`);
  mkdirSync(`${directory}/node_modules`);
  symlinkSync(old, `${directory}/node_modules/tideway`);
}
