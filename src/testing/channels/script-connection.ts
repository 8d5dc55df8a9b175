import { decodeFrame, encodeFrame } from "../../channels/wire/frames.ts";
import { show } from "./pattern.ts";

/** The socket below a connection of a script. */
export interface ScriptSocket {
  send(message: string | Uint8Array<ArrayBuffer>): void;
  close(code: number): void;
  /** Ends the connection without a closing handshake. */
  drop(): void;
}

/** A frame that arrived. */
export interface ReceivedFrame {
  readonly frame: unknown;
  /** The bytes of a binary message, in hexadecimal. */
  readonly bytes?: string;
}

/** One connection of a script: it keeps what arrives until a step asks for it. */
export class ScriptConnection {
  readonly #socket: ScriptSocket;
  readonly #timeoutMs: number;
  readonly #received: ReceivedFrame[] = [];
  #closed: { readonly code: number; readonly reason: string } | undefined;
  #wake: (() => void) | undefined;

  constructor(socket: ScriptSocket, timeoutMs: number) {
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
  }

  /** A message has arrived. */
  receive(message: string | Uint8Array): void {
    this.#received.push(readMessage(message));
    this.#wake?.();
  }

  /** The connection has ended. */
  end(code: number, reason: string): void {
    this.#closed = { code, reason };
    this.#wake?.();
  }

  send(frame: unknown, bytes?: string): void {
    const data = bytes === undefined ? undefined : fromHex(bytes);
    this.#socket.send(encodeFrame(frame as never, data));
  }

  sendMessage(message: string | Uint8Array<ArrayBuffer>): void {
    this.#socket.send(message);
  }

  close(code: number): void {
    this.#socket.close(code);
  }

  drop(): void {
    this.#socket.drop();
  }

  /** Takes the next frame. @throws Error if the connection ends first */
  async next(): Promise<ReceivedFrame> {
    await this.#until(() => this.#received.length > 0 || this.#closed !== undefined, "a frame");
    const frame = this.#received.shift();
    if (frame !== undefined) return frame;
    throw new Error(`the connection closed with ${show(this.#closed)}`);
  }

  /** Returns the code with which the connection ends. @throws Error if a frame arrives first */
  async closed(): Promise<number> {
    await this.#until(() => this.#received.length > 0 || this.#closed !== undefined, "a close");
    const [frame] = this.#received;
    if (frame !== undefined) throw new Error(`got ${show(frame)}`);
    return this.#closed!.code;
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    while (!condition()) {
      await within(new Promise<void>((resolve) => (this.#wake = resolve)), this.#timeoutMs, what);
    }
  }
}

/** Rejects if a promise does not settle in time. */
export async function within<T>(promise: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    const fail = (): void => reject(new Error(`there was not ${what} within ${timeoutMs} ms`));
    timer = setTimeout(fail, timeoutMs);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** A message that cannot be decoded becomes text. No frame of a script matches it. */
function readMessage(message: string | Uint8Array): ReceivedFrame {
  try {
    const { frame, bytes } = decodeFrame(message);
    return bytes === undefined ? { frame } : { frame, bytes: toHex(bytes) };
  } catch {
    return { frame: typeof message === "string" ? message : toHex(message) };
  }
}
