import { LoadConnection } from "./connection.ts";
import type { RequestsLoad } from "./loads.ts";
import type { RunOrder, TrafficRound } from "./protocol.ts";
import { Session } from "./session.ts";

/** The body that the programs answer with. */
const BODY = "hello";

const REQUEST = Buffer.from(
  "GET /hello HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n",
);

/** Each connection sends a request, and the next request after the response. */
export async function runRequests(load: RequestsLoad, order: RunOrder): Promise<TrafficRound> {
  const session = new Session(order);
  const clients: HttpClient[] = [];
  try {
    await session.openAll(load.connections, async () => {
      const client = new HttpClient(session.onFailed);
      clients.push(client);
      await client.open(order);
    });
    for (const client of clients) client.send();
    return await session.measure(() => clients.reduce((sum, { answered }) => sum + answered, 0));
  } finally {
    for (const client of clients) client.reset();
  }
}

class HttpClient {
  answered = 0;
  readonly #onFailed: (error: Error) => void;
  #connection: LoadConnection | undefined;
  #received = "";

  constructor(onFailed: (error: Error) => void) {
    this.#onFailed = onFailed;
  }

  async open({ subject }: RunOrder): Promise<void> {
    const listener = { onBytes: this.#onBytes, onFailed: this.#onFailed };
    // No opening handshake, because the connection stays HTTP.
    this.#connection = await LoadConnection.open({ ...subject, isFramed: false }, listener);
  }

  send(): void {
    this.#connection?.write(REQUEST);
  }

  reset(): void {
    this.#connection?.reset();
  }

  readonly #onBytes = (bytes: Buffer, end: number): void => {
    this.#received += bytes.toString("latin1", 0, end);
    const headEnd = this.#received.indexOf("\r\n\r\n");
    // The body has a Content-Length, or is chunked with one chunk.
    const isWhole =
      headEnd >= 0 &&
      (this.#received.endsWith(`\r\n\r\n${BODY}`) ||
        this.#received.endsWith(`\r\n${BODY}\r\n0\r\n\r\n`));
    if (!isWhole) return;
    if (!this.#received.startsWith("HTTP/1.1 200 OK\r\n")) {
      throw new Error(`the server answered ${this.#received}`);
    }
    this.#received = "";
    this.answered++;
    this.send();
  };
}
