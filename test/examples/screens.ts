import type { BrowserContextOptions } from "playwright-core";

/** The screens on which the pages of the examples are checked. */
export const SCREENS: ReadonlyArray<readonly [string, BrowserContextOptions]> = [
  ["a wide light screen", { viewport: { width: 1280, height: 800 }, colorScheme: "light" }],
  ["a wide dark screen", { viewport: { width: 1280, height: 800 }, colorScheme: "dark" }],
  ["a light screen of 320 px", { viewport: { width: 320, height: 640 }, colorScheme: "light" }],
];
