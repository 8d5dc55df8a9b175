import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";

/** Plays the server in one case, by frames or by bytes. */
export type FuzzingCase = (client: WebSocket, stream: Duplex) => void;

/** A case without an opening handshake. */
export const REFUSE = "refuse";

/** A tiny suite of tests for clients, based on another library. */
export class FuzzingServer {
  /** The targets of all requests, in order. */
  readonly asked: string[] = [];
  readonly #cases: ReadonlyArray<FuzzingCase | typeof REFUSE>;
  readonly #http: Server;
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: { threshold: 0 },
    maxPayload: 32 * 1024 * 1024,
  });
  /** The answer to a client that asks for the number of cases. */
  countAnswer: string;
  /** Whether it writes no reports. */
  refusesReports = false;

  constructor(cases: ReadonlyArray<FuzzingCase | typeof REFUSE>) {
    this.#cases = cases;
    this.countAnswer = String(cases.length);
    this.#http = createServer().on("upgrade", (request: IncomingMessage, stream: Duplex) =>
      this.#upgrade(request, stream),
    );
  }

  async listen(): Promise<string> {
    this.#http.listen(0, "127.0.0.1");
    await once(this.#http, "listening");
    return `ws://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  close(): void {
    for (const client of this.#webSockets.clients) client.terminate();
    this.#http.close();
  }

  #upgrade(request: IncomingMessage, stream: Duplex): void {
    const { url = "" } = request;
    this.asked.push(url);
    stream.on("error", () => {});
    const play = this.#playAt(new URL(url, "ws://suite"));
    if (play === undefined || play === REFUSE) {
      stream.end("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    this.#webSockets.handleUpgrade(request, stream, Buffer.alloc(0), (client) => {
      client.on("error", () => {});
      play(client, stream);
    });
  }

  #playAt({ pathname, searchParams }: URL): FuzzingCase | typeof REFUSE | undefined {
    if (pathname === "/getCaseCount") {
      return (client) => {
        client.send(this.countAnswer);
        client.close();
      };
    }
    if (searchParams.get("agent") !== "tideway") return undefined;
    if (pathname === "/updateReports" && !this.refusesReports) return (client) => client.close();
    if (pathname === "/runCase") return this.#cases[Number(searchParams.get("case")) - 1];
    return undefined;
  }
}
