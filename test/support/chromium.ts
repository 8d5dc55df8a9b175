import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

/** Whether there is a browser to test in: the path of its program, or why there is none. */
export type BrowserAvailability =
  | { readonly path: string; readonly reason?: never }
  | { readonly path?: never; readonly reason: string };

const PROGRAMS = [
  "chromium",
  "chromium-browser",
  "google-chrome-stable",
  "google-chrome",
  "chrome",
];

const FIXED_PLACES = [
  "/usr/bin/chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
  "C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe",
];

/**
 * Finds a Chromium: `CHROME_PATH` and nothing else where that is set, then the `PATH`, then where
 * it is usually installed, then what Playwright itself may have downloaded.
 */
function findChromium(environment: NodeJS.ProcessEnv = process.env): BrowserAvailability {
  const named = environment["CHROME_PATH"];
  if (named !== undefined && named !== "") {
    if (isExecutable(named)) return { path: named };
    return { reason: `CHROME_PATH is ${named}, which is no program that can be run` };
  }
  const folders = (environment["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const onPath = folders.flatMap((folder) => PROGRAMS.map((program) => join(folder, program)));
  const path = [...onPath, ...FIXED_PLACES, chromium.executablePath()].find(isExecutable);
  if (path !== undefined) return { path };
  return { reason: "no Chromium or Chrome was found; install one, or set CHROME_PATH to it" };
}

/** Finds a Chromium, and where there is none installs Debian's, if apt-get is there for root. */
export function ensureChromium(): BrowserAvailability {
  const found = findChromium();
  if (found.path !== undefined || (process.env["CHROME_PATH"] ?? "") !== "") return found;

  const isRoot = process.getuid?.() === 0;
  if (process.platform !== "linux" || !isRoot || !isExecutable("/usr/bin/apt-get")) return found;

  process.stderr.write("No browser to test in yet: installing Chromium with apt-get.\n");
  aptGet(["update"]);
  // Only the second command decides: an index that cannot be fetched need not be the one we need.
  const installed = aptGet(["install", "-y", "--no-install-recommends", "chromium"]);
  const path = findChromium().path;
  if (path !== undefined) return { path };
  return { reason: `no Chromium was found, and apt-get could not install it (${installed})` };
}

/** Runs apt-get with its output on ours, waiting for another run of it to end; how it ended. */
function aptGet(argv: readonly string[]): string {
  const { status, signal, error } = spawnSync(
    "apt-get",
    ["-o", "DPkg::Lock::Timeout=600", "-o", "Dpkg::Use-Pty=0", ...argv],
    {
      // Standard output stays free for what a reporter writes there.
      stdio: ["ignore", 2, 2],
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      timeout: 8 * 60_000,
    },
  );
  if (error !== undefined) return error.message;
  return signal === null ? `exit status ${status}` : `ended by ${signal}`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
