/** Why `authorize` does not accept a client. */
export type RefusalReason = "unauthorized" | "forbidden";

/** The result of {@link refuse}. */
export class Refusal {
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason) {
    this.reason = reason;
  }
}

/** The result of `fail`: an error that the contract declares for a call. */
export class Failure<out Code extends string = string, out Data = unknown> {
  readonly code: Code;
  readonly data: Data;

  constructor(code: Code, data: Data) {
    this.code = code;
    this.data = data;
  }
}

/** The result of {@link resumable}: an item of a stream with its id. */
export class ResumableItem<out Data = unknown> {
  readonly id: string;
  readonly data: Data;

  constructor(id: string, data: Data) {
    this.id = id;
    this.data = data;
  }
}

/**
 * Refuses a client: return the result from `authorize`. The connection closes with 3000 for
 * `"unauthorized"`, and with 3003 for `"forbidden"`. After 3000, the client asks once for other credentials.
 */
export function refuse(reason: RefusalReason): Refusal {
  return new Refusal(reason);
}

/**
 * Ends a call or stream with an error that the contract declares: return or throw the result in the
 * handler. The client gets the code and the data.
 *
 * @param code the name of the error in `errors` of the contract
 * @param data the data of the error, as its schema in the contract describes it
 */
export function fail<const Code extends string>(code: Code): Failure<Code, undefined>;
export function fail<const Code extends string, Data>(code: Code, data: Data): Failure<Code, Data>;
export function fail(code: string, data?: unknown): Failure {
  return new Failure(code, data);
}

/**
 * Gives an item of a resumable stream an id: yield the result in the handler. After a reconnect, the handler
 * is called again, and its `lastId` is the id of the last item that the client has.
 *
 * @param id 1 to 256 characters
 */
export function resumable<Data>(id: string, data: Data): ResumableItem<Data> {
  return new ResumableItem(id, data);
}
