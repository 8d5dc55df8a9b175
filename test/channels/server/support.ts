import {
  type AuthorizeRequest,
  type ChannelErrorContext,
  type ChannelLimits,
  type Channels,
  channels,
  type ChannelsOptions,
  type ChannelsRouteOptions,
  type InterceptContext,
} from "tideway/channels/server";
import type { AnyContract } from "../../../src/channels/contract/contract-types.ts";
import type { Contract } from "../../../src/channels/contract/contract.ts";
import { serve, type StandardSchema } from "tideway/server";
import { Topics, type TopicsOptions } from "tideway/topics";
import { onTestFinished } from "vitest";
import { WebSocket } from "ws";

/** A frame as it arrived: JSON, with the bytes of a binary frame as `bytes`. */
export type Frame = Record<string, unknown> & { readonly bytes?: Uint8Array };

/** A publication as it arrived. */
export type PublicationFrame = [number: number, data: unknown];

/** A schema that accepts values for which `check` returns true. */
export function schema<T>(check: (value: unknown) => boolean): StandardSchema<T, T> {
  return {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value) =>
        check(value)
          ? { value: value as T }
          : { issues: [{ message: "no", path: ["x", { key: 1 }] }] },
    },
  };
}

export const anything: StandardSchema<unknown, unknown> = schema(() => true);

export const text: StandardSchema<string, string> = schema((value) => typeof value === "string");

export const SECRET = "AAAAAAAAAAAAAAAAAAAAAA";

/** Options of `channels`, for tests that need no types. */
export interface Options {
  readonly authorize?: (request: AuthorizeRequest) => unknown;
  readonly rules?: object;
  readonly calls?: object;
  readonly intercept?: (context: InterceptContext<unknown>, next: () => unknown) => unknown;
  readonly limits?: ChannelLimits;
  readonly idWindowMs?: number;
  readonly presenceGraceMs?: number;
  readonly onError?: (error: unknown, context: ChannelErrorContext) => void;
}

/** Serves channels on a free port until the test ends. Errors fail the test, unless it passes `onError`. */
export async function start(
  contract: Contract,
  {
    topics: topicsOptions = {},
    route = {},
    ...options
  }: Options & { topics?: TopicsOptions; route?: ChannelsRouteOptions } = {},
): Promise<TestServer> {
  const errors: unknown[] = [];
  const topics = new Topics({ onError: (error) => errors.push(error), ...topicsOptions });
  const api = channels(contract, {
    authorize: () => ({ state: {} }),
    onError: (error, { kind }) => kind !== "start" && errors.push(error),
    ...options,
    topics,
  } as ChannelsOptions<Contract, unknown> & { calls: never }) as unknown as Channels<
    AnyContract,
    never
  >;
  const server = await serve({
    port: 0,
    routes: { "ws:/api": api.route({ origins: "*", ...route }) },
  });
  const clients: RawClient[] = [];
  onTestFinished(async () => {
    for (const client of clients) client.socket.close();
    await server.stop({ timeoutMs: 1_000 });
    await topics.close();
    if (errors.length > 0) throw new Error("an error was reported", { cause: errors[0] });
  });
  const url = `ws://localhost:${server.port}/api`;
  return {
    api,
    topics,
    errors,
    url,
    stop: () => server.stop({ timeoutMs: 1_000 }),
    connect: async (protocols = "tideway.channels.1") => {
      const socket = new WebSocket(url, protocols);
      const client = new RawClient(socket);
      clients.push(client);
      await client.opened;
      return client;
    },
  };
}

export interface TestServer {
  readonly api: Channels<AnyContract, never>;
  readonly topics: Topics;
  /** The errors that were reported. Empty it if they are expected. */
  readonly errors: unknown[];
  readonly url: string;
  /** Stops the server of the routes, before the test ends. */
  stop(): Promise<void>;
  connect(protocols?: string | string[]): Promise<RawClient>;
}

/** Speaks the protocol frame by frame, without the client of this package. */
export class RawClient {
  readonly socket: WebSocket;
  readonly opened: Promise<void>;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  /** The frames that no `next` has taken. */
  readonly received: (Frame | PublicationFrame)[] = [];
  /** Whether it tells the server at once that it has received the failure of a publish. */
  seesFailures = true;
  #waiting: (() => void)[] = [];

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    this.opened = new Promise((resolve) => socket.addEventListener("open", () => resolve()));
    this.closed = new Promise((resolve) => {
      socket.addEventListener("close", ({ code, reason }) => {
        resolve({ code, reason });
        this.#wake();
      });
    });
    socket.addEventListener("message", ({ data }) => {
      const frame = decode(data as string | ArrayBuffer);
      this.received.push(frame);
      if (this.seesFailures && "mayBeStored" in frame) this.send({ type: "seen", id: frame["id"] });
      this.#wake();
    });
  }

  send(frame: object, bytes?: Uint8Array): this {
    const json = JSON.stringify(frame);
    if (bytes === undefined) this.socket.send(json);
    else this.socket.send(new Uint8Array([...new TextEncoder().encode(`${json}\n`), ...bytes]));
    return this;
  }

  /** Drops the connection without a closing handshake. */
  terminate(): void {
    this.socket.terminate();
  }

  /** Says hello, and returns the welcome. */
  hello(fields: object = {}): Promise<Frame> {
    this.send({ type: "hello", session: SECRET, connection: 1, ...fields });
    return this.next("welcome");
  }

  /** Takes the next frame of a type, and leaves others. Without a type, takes the next publication. */
  next(type: string): Promise<Frame>;
  next(): Promise<PublicationFrame>;
  async next(type?: string): Promise<Frame | PublicationFrame> {
    for (;;) {
      const index = this.received.findIndex((frame) =>
        type === undefined ? Array.isArray(frame) : !Array.isArray(frame) && frame["type"] === type,
      );
      if (index !== -1) return this.received.splice(index, 1)[0];
      if (this.socket.readyState === WebSocket.CLOSED) {
        throw new Error(
          `closed before ${type ?? "a publication"}: ${JSON.stringify(await this.closed)}`,
        );
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Sends a request, and returns its answer: `result`, `error` or another frame with its id. */
  async request(
    frame: Readonly<Record<string, unknown>> & { readonly id: number },
    bytes?: Uint8Array,
  ): Promise<Frame> {
    this.send(frame, bytes);
    return this.answer(frame.id);
  }

  async answer(id: number): Promise<Frame> {
    for (;;) {
      const index = this.received.findIndex((frame) => (frame as Frame)["id"] === id);
      if (index !== -1) return this.received.splice(index, 1)[0] as Frame;
      if (this.socket.readyState === WebSocket.CLOSED) {
        throw new Error(`closed before the answer: ${JSON.stringify(await this.closed)}`);
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

function decode(data: string | ArrayBuffer): Frame | PublicationFrame {
  if (typeof data === "string") return JSON.parse(data) as Frame;
  const message = new Uint8Array(data);
  const end = message.indexOf(0x0a);
  const frame = JSON.parse(new TextDecoder().decode(message.subarray(0, end))) as Frame;
  const bytes = message.slice(end + 1);
  return Array.isArray(frame) ? [frame[0] as number, bytes] : { ...frame, bytes };
}
