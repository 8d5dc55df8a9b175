import { type Browser, chromium } from "playwright-core";
import { type Availability, findOrInstall, isExecutable, onPath } from "./debian.ts";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

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
 * Finds a Chromium: only `CHROME_PATH` if it is set, or else in the `PATH`, in the usual places,
 * and among the downloads of Playwright.
 */
function findChromium(environment: NodeJS.ProcessEnv = process.env): Availability {
  const named = environment["CHROME_PATH"];
  if (named !== undefined && named !== "") {
    if (isExecutable(named)) return { path: named };
    return { reason: `CHROME_PATH is ${named}, which is not an executable program` };
  }
  const places = [...onPath(PROGRAMS, environment), ...FIXED_PLACES, chromium.executablePath()];
  const path = places.find(isExecutable);
  if (path !== undefined) return { path };
  return { reason: "no Chromium or Chrome was found; install one, or set CHROME_PATH to it" };
}

/** Finds a Chromium. If it is missing and the user is root, installs Debian's package with apt-get. */
export function ensureChromium(): Availability {
  if ((process.env["CHROME_PATH"] ?? "") !== "") return findChromium();
  return findOrInstall(findChromium, { name: "chromium", what: "Chromium" });
}

/** Starts a Chromium with a fresh profile. The caller closes it. */
export function launchChromium(path: string): Promise<Browser> {
  return chromium.launch({ executablePath: path, args: FLAGS });
}
