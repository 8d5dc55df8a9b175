import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import type { Browser, Page } from "playwright-core";
import { rolldown } from "rolldown";
import type { ChannelClients } from "./channel-clients.ts";
import type { ClientGroup, GroupLog, GroupSettings, GroupStatus } from "./log.ts";

/** The globals of the page. */
interface InPage {
  readonly ChannelClients: typeof ChannelClients;
  clients: ChannelClients;
}

/** Clients of channels in a page of Chromium. */
export class ChromiumClients implements ClientGroup {
  readonly #browser: Browser;
  readonly #page: Page;
  readonly #server: Server;

  private constructor(browser: Browser, page: Page, server: Server) {
    this.#browser = browser;
    this.#page = page;
    this.#server = server;
  }

  /** Owns the browser from now on. */
  static async start(browser: Browser, settings: GroupSettings): Promise<ChromiumClients> {
    const page = await browser.newPage();
    page.on("pageerror", (error) => console.error(error));
    // Served from this machine. Chromium refuses connections to it from a page of unknown origin.
    const server = await servePage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction(() => "ChannelClients" in globalThis);
    await page.evaluate((given) => {
      const inPage = globalThis as unknown as InPage;
      inPage.clients = new inPage.ChannelClients(given);
    }, settings);
    return new ChromiumClients(browser, page, server);
  }

  stopPublishing(): Promise<void> {
    return this.#page.evaluate(() => (globalThis as unknown as InPage).clients.stopPublishing());
  }

  status(): Promise<GroupStatus> {
    return this.#page.evaluate(() => (globalThis as unknown as InPage).clients.status());
  }

  log(): Promise<GroupLog> {
    return this.#page.evaluate(() => (globalThis as unknown as InPage).clients.log());
  }

  async close(): Promise<void> {
    await this.#browser.close();
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

async function servePage(): Promise<Server> {
  const html = `<script type="module">${await bundlePage()}</script>`;
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(html);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

/** The script of the page, with the client for browsers. */
async function bundlePage(): Promise<string> {
  const bundle = await rolldown({
    input: "test/crash/page.ts",
    platform: "browser",
    resolve: { alias: { "tideway/channels": resolve("src/browser/channels.ts") } },
  });
  const { output } = await bundle.generate({ codeSplitting: false });
  await bundle.close();
  // Otherwise a string in the script could end the element.
  return output[0].code.replaceAll("</script", "<\\/script");
}
