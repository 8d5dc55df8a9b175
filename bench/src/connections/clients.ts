import { ReconnectingWebSocket } from "tideway";
import type { ClientAnswer, ClientOrder, OpenOrder } from "./messages.ts";

/** The number of connections that a process opens at once at the start, which must not overflow a queue. */
const OPENING_AT_ONCE = 64;

const COUNT_INTERVAL_MS = 200;

/** The client process: real `ReconnectingWebSocket`s with their default options. */
export function runClients(): void {
  const clients = new Clients();
  process.on("message", (order: ClientOrder) => {
    if (order.ask === "open") void clients.open(order);
    else if (order.ask === "expect-drop") clients.expectDrop();
    else clients.report();
  });
  answer({ kind: "ready" });
}

class Clients {
  readonly #clients: Client[] = [];
  #errors: Record<string, number> = {};
  #open = 0;

  async open({ port, addresses, connections }: OpenOrder): Promise<void> {
    setInterval(() => this.#count(), COUNT_INTERVAL_MS);
    let next = 0;
    const openInTurn = async (): Promise<void> => {
      while (next < connections) {
        const address = addresses[next++ % addresses.length];
        await this.#add(`ws://${address}:${port}/`);
      }
    };
    await Promise.all(Array.from({ length: OPENING_AT_ONCE }, openInTurn));
  }

  expectDrop(): void {
    this.#errors = {};
    for (const client of this.#clients) client.losses = client.attempts = 0;
  }

  report(): void {
    answer({
      kind: "report",
      reconnectedAtMs: this.#clients.map(({ openedAtMs }) => openedAtMs),
      attempts: this.#clients.map(({ attempts }) => attempts),
      errors: this.#errors,
      lostAgain: this.#clients.reduce((sum, { losses }) => sum + Math.max(0, losses - 1), 0),
    });
  }

  /** Resolves once the connection is open. */
  #add(url: string): Promise<void> {
    const socket = new ReconnectingWebSocket(url);
    const client: Client = { losses: 0, attempts: 0, openedAtMs: 0 };
    this.#clients.push(client);
    return new Promise((resolve) => {
      let isOpen = false;
      socket.addEventListener("open", () => {
        isOpen = true;
        this.#open++;
        client.openedAtMs = Date.now();
        resolve();
      });
      socket.addEventListener("reconnecting", () => {
        if (isOpen) {
          this.#open--;
          client.losses++;
        }
        isOpen = false;
        client.attempts++;
      });
      socket.addEventListener("error", ({ error }) => {
        if (!isOpen) this.#countError(codeOf(error));
      });
    });
  }

  #countError(code: string): void {
    this.#errors[code] = (this.#errors[code] ?? 0) + 1;
  }

  #count(): void {
    const lost = this.#clients.filter(({ losses }) => losses > 0).length;
    answer({ kind: "count", open: this.#open, lost, errors: this.#errors });
  }
}

interface Client {
  /** How often the connection was lost. */
  losses: number;
  /** The attempts to connect again. */
  attempts: number;
  /** When it was last opened, by the wall clock. */
  openedAtMs: number;
}

/** The code of an error, with the status that it may have, and of the error that caused it. */
function codeOf(error: unknown): string {
  const codes: string[] = [];
  for (let at = error; at instanceof Error && codes.length < 4; at = at.cause) {
    const { code, status } = at as NodeJS.ErrnoException & { status?: number };
    codes.push(`${code ?? at.message}${status === undefined ? "" : ` ${status}`}`);
  }
  return codes.length === 0 ? String(error) : codes.join(" < ");
}

function answer(message: ClientAnswer): void {
  process.send?.(message);
}
