import * as ws from "ws";

/** The exports of `ws` that its types do not declare. */
interface WsInternals {
  readonly Sender: {
    frame(payload: Uint8Array, options: Record<string, unknown>): readonly Uint8Array[];
  };
  readonly Receiver: new (options: Record<string, unknown>) => {
    on(event: "message", listener: (message: Buffer, isBinary: boolean) => void): void;
    _write(chunk: Uint8Array, encoding: string, done: () => void): void;
  };
}

const internals = ws as unknown as WsInternals;

export const Sender: WsInternals["Sender"] = internals.Sender;
export const Receiver: WsInternals["Receiver"] = internals.Receiver;
