import { launch } from "puppeteer-core";
import { type Availability, findOrInstall, isExecutable, onPath } from "./debian.ts";
import { fromPuppeteer, type TestBrowser } from "./pages.ts";

const PROGRAMS = ["firefox-esr", "firefox"];

const FIXED_PLACES = [
  "/usr/bin/firefox-esr",
  "/Applications/Firefox.app/Contents/MacOS/firefox",
  "C:\\Program Files\\Mozilla Firefox\\firefox.exe",
];

/** Finds a Firefox: only `FIREFOX_PATH` if it is set, or else in the `PATH` and in the usual places. */
function findFirefox(environment: NodeJS.ProcessEnv = process.env): Availability {
  const named = environment["FIREFOX_PATH"];
  if (named !== undefined && named !== "") {
    if (isExecutable(named)) return { path: named };
    return { reason: `FIREFOX_PATH is ${named}, which is not an executable program` };
  }
  const path = [...onPath(PROGRAMS, environment), ...FIXED_PLACES].find(isExecutable);
  if (path !== undefined) return { path };
  return { reason: "no Firefox was found; install one, or set FIREFOX_PATH to it" };
}

/** Finds a Firefox. If it is missing and the user is root, installs Debian's package with apt-get. */
export function ensureFirefox(): Availability {
  if ((process.env["FIREFOX_PATH"] ?? "") !== "") return findFirefox();
  return findOrInstall(findFirefox, { name: "firefox-esr", what: "Firefox ESR" });
}

/** Starts a Firefox with a fresh profile. The caller closes it. */
export async function launchFirefox(path: string): Promise<TestBrowser> {
  // Playwright drives only its own build of Firefox. Puppeteer speaks WebDriver BiDi, which Firefox has
  // built in, so that no geckodriver is needed.
  const browser = await launch({
    browser: "firefox",
    executablePath: path,
    headless: true,
    timeout: 60_000,
  });
  return fromPuppeteer(browser);
}
