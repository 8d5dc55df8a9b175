import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { describeInBrowser, launchBrowser } from "../support/browser.ts";

const root = join(import.meta.dirname, "../..");
const folder = join(root, "test-artefacts/getting-started");
const guide = readFileSync(join(root, "docs/getting-started.md"), "utf8");
const [, inJavaScript, inTypeScript] = guide.split(/^## (?:In JavaScript|In TypeScript|Next)$/m);

/** Makes the project that a part of the guide describes, with this package in node_modules. */
function makeProject(name: string, part: string): string {
  const project = join(folder, name);
  mkdirSync(join(project, "node_modules"), { recursive: true });
  symlinkSync(root, join(project, "node_modules/tideway"), "dir");
  writeFileSync(join(project, "package.json"), '{ "type": "module" }');
  for (const [, path, text] of part.matchAll(/^Create `([^`]+)`.*?:\n\n```\w+\n(.*?)^```$/gms)) {
    mkdirSync(dirname(join(project, path)), { recursive: true });
    writeFileSync(join(project, path), text.replace("port: 8080", "port: 0"));
  }
  return project;
}

/** Runs `node script` in a project. Returns the process and the address that it prints. */
async function run(project: string, script: string): Promise<[ChildProcess, url: string]> {
  const child = spawn(process.execPath, [script], { cwd: project });
  onTestFinished(() => void child.kill());
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  expect(line).toMatch(/^Open http:\/\/localhost:\d+$/);
  return [child, line.slice("Open ".length)];
}

describeInBrowser("the projects of the getting-started guide", () => {
  let browser: Browser;

  beforeAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });

  async function openPage(url: string): Promise<Page> {
    const page = await browser.newPage();
    page.on("pageerror", (error) => expect.unreachable(error.message));
    await page.goto(url);
    return page;
  }

  /** Opens two windows and sends a message in the first. */
  async function chat(url: string, greeting: string): Promise<void> {
    const pages = [await openPage(url), await openPage(url)];
    for (const page of pages) await page.getByText(greeting).waitFor();
    await pages[0].getByLabel("Message").fill("hello from one window");
    await pages[0].getByRole("button", { name: "Send" }).click();
    for (const page of pages) await page.getByText("hello from one window").waitFor();
  }

  it("run in JavaScript", async () => {
    const [server, url] = await run(makeProject("js", inJavaScript), "server.js");
    await chat(url, "Welcome!");
    const page = await openPage(url);
    server.kill();
    const notice = page.getByText("The connection is lost. Reconnecting...").first();
    await notice.waitFor();
    expect(await notice.isVisible()).toBe(true);
  });

  // Two processes besides the browser: the compiler and the server.
  it("compile and run in TypeScript", { timeout: 60_000 }, async () => {
    const project = makeProject("ts", inTypeScript);
    const typescript = createRequire(import.meta.url).resolve("typescript/package.json");
    const compiler = join(dirname(typescript), "bin/tsc");
    const { stdout } = await promisify(execFile)(process.execPath, [compiler], { cwd: project });
    expect(stdout).toBe("");
    const [, url] = await run(project, "dist/server.js");
    await chat(url, "Welcome, ann!");
  });
});
