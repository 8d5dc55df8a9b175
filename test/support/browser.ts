import type { Browser } from "playwright-core";
import { describe, inject, it } from "vitest";
import { launchChromium } from "./chromium.ts";

/**
 * Starts a Chromium with a fresh profile. The caller closes it. Only for `*.browser.test.ts` files.
 */
export function launchBrowser(): Promise<Browser> {
  const { path, reason } = browserHere();
  if (path === undefined) return Promise.reject(new Error(reason));
  return launchChromium(path);
}

/**
 * A `describe` for tests that need a browser. Without one they are skipped, with the reason in
 * their name. With `CI=true` they fail instead, so that no pipeline passes without them.
 */
export function describeInBrowser(name: string, body: () => void): void {
  const { path, reason } = browserHere();
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

function browserHere(): ReturnType<typeof inject<"browser">> {
  const browser = inject("browser");
  if (browser === undefined) {
    throw new Error("tests that need a browser belong in a file named *.browser.test.ts");
  }
  return browser;
}
