import type { Browser } from "playwright-core";
import { describe, inject, it } from "vitest";
import { launchChromium } from "./chromium.ts";
import type { Availability } from "./debian.ts";
import { launchFirefox } from "./firefox.ts";
import { fromPlaywright, type TestBrowser } from "./pages.ts";

/**
 * Starts a Chromium with a fresh profile. The caller closes it. Only for `*.browser.test.ts` files.
 */
export function launchBrowser(): Promise<Browser> {
  const { path, reason } = availabilityOf("browser");
  if (path === undefined) return Promise.reject(new Error(reason));
  return launchChromium(path);
}

/** Starts a Chromium that tests drive like a Firefox. The caller closes it. */
export async function openChromium(): Promise<TestBrowser> {
  return fromPlaywright(await launchBrowser());
}

/** Starts a Firefox with a fresh profile. The caller closes it. Only for `*.browser.test.ts` files. */
export function openFirefox(): Promise<TestBrowser> {
  const { path, reason } = availabilityOf("firefox");
  if (path === undefined) return Promise.reject(new Error(reason));
  return launchFirefox(path);
}

/**
 * A `describe` for tests that need a browser. Without one they are skipped, with the reason in
 * their name. With `CI=true` they fail instead, so that no pipeline passes without them.
 */
export function describeInBrowser(name: string, body: () => void): void {
  describeWith(availabilityOf("browser"), name, body);
}

/** Does the same for tests that need a Firefox. */
export function describeInFirefox(name: string, body: () => void): void {
  describeWith(availabilityOf("firefox"), name, body);
}

function describeWith({ path, reason }: Availability, name: string, body: () => void): void {
  if (path !== undefined) {
    describe(name, body);
  } else if (process.env["CI"] === "true") {
    describe(name, () => {
      it("runs in a browser", () => {
        throw new Error(reason);
      });
    });
  } else {
    describe.skip(`${name} [skipped: ${reason}]`, body);
  }
}

function availabilityOf(which: "browser" | "firefox"): Availability {
  const found = inject(which);
  if (found === undefined) {
    throw new Error("tests that need a browser belong in a file named *.browser.test.ts");
  }
  return found;
}
