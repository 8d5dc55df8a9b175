import { TidewayError } from "../../errors/index.ts";

/**
 * Compares the bytes of a body with the Content-Length that the application has set. With a wrong length, the
 * client would take a part of the body for the next response, or wait forever (RFC 9110 8.6).
 */
export class ContentLength {
  /** Undefined if the application has set none. */
  readonly #declared: string | undefined;
  readonly #max: number;
  #count = 0;

  /** @throws TidewayError `WRONG_CONTENT_LENGTH` if the field is not a number */
  constructor({ headers }: Response) {
    this.#declared = headers.get("content-length") ?? undefined;
    this.#max = this.#declared === undefined ? Infinity : readLength(this.#declared);
  }

  get isKnown(): boolean {
    return this.#declared !== undefined;
  }

  /**
   * Checks that `chunk` may be sent.
   *
   * @throws TidewayError `WRONG_CONTENT_LENGTH` if there are more bytes than declared
   */
  check(chunk: Uint8Array): void {
    const count = this.#count + chunk.byteLength;
    if (count > this.#max) throw wrongLength(this.#declared, `at least ${count}`);
  }

  /** Checks and counts a chunk that is sent now. */
  count(chunk: Uint8Array): void {
    this.check(chunk);
    this.#count += chunk.byteLength;
  }

  /** @throws TidewayError `WRONG_CONTENT_LENGTH` if there were fewer bytes than declared */
  end(): void {
    if (this.#declared !== undefined) checkLength(this.#declared, this.#count);
  }
}

/**
 * Checks the Content-Length of a body with `length` bytes.
 *
 * @throws TidewayError `WRONG_CONTENT_LENGTH`
 */
export function checkLength(declared: string, length: number): void {
  if (readLength(declared) !== length) throw wrongLength(declared, String(length));
}

function readLength(declared: string): number {
  if (/^\d+$/.test(declared)) return Number(declared);
  throw new TidewayError(
    "WRONG_CONTENT_LENGTH",
    `a Response has Content-Length ${JSON.stringify(declared)}, which is not a number of bytes; ${ADVICE}`,
  );
}

function wrongLength(declared: string | undefined, length: string): TidewayError {
  return new TidewayError(
    "WRONG_CONTENT_LENGTH",
    `a Response has Content-Length ${declared}, but its body has ${length} bytes; ${ADVICE}`,
  );
}

const ADVICE = "leave the header out, and the server adds it if the length is known";
