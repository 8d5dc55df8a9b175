import type { WheelTimer } from "../../connection/timer-wheel.ts";
import { ResponseBody, type UnexpectedStatusError } from "../../protocol/handshake/index.ts";
import { wheel } from "../environment/timers.ts";

const MAX_BODY_BYTES = 4096;
/** How long to wait for the body of a refusal. */
const BODY_TIMEOUT_MS = 1000;

/** Reads the beginning of the response body when a server refuses a handshake. */
export class RefusedAnswer {
  readonly #error: UnexpectedStatusError;
  readonly #body: ResponseBody;
  readonly #timer: WheelTimer;

  /** @param onTimeout called if the body has not arrived within a second; not after `stop` */
  constructor(error: UnexpectedStatusError, onTimeout: () => void) {
    this.#error = error;
    this.#body = new ResponseBody(error.status, error.headers, MAX_BODY_BYTES);
    this.#timer = wheel.start(BODY_TIMEOUT_MS, onTimeout);
  }

  get isComplete(): boolean {
    return this.#body.isComplete;
  }

  /** The error, with the part of the body that has arrived. */
  get error(): UnexpectedStatusError {
    // With `stream`, a character that is cut off at the end is left out.
    const body = new TextDecoder().decode(this.#body.bytes, { stream: true });
    return this.#error.withBody(body);
  }

  receive(chunk: Uint8Array): void {
    this.#body.receive(chunk);
  }

  stop(): void {
    this.#timer.cancel();
  }
}
