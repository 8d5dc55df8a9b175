import { CloseCode } from "./close-code.ts";
import { type ConnectionClosedDetails, ProtocolError, type TidewayError } from "./index.ts";
import { quote } from "./quote.ts";

/** How a connection ended. */
export interface ConnectionEnd {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
  readonly error?: TidewayError;
}

/** The side that closed the connection, for the message. The cause describes a failure of the transport. */
const CLOSED_BY: Readonly<Record<ConnectionClosedDetails["closedBy"], string>> = {
  local: " (closed by this side)",
  peer: " (closed by the peer)",
  transport: "",
};

/** Creates the details of a `ConnectionClosedError` from the end of a connection. */
export function describeEnd(
  { code: closeCode, reason, wasClean, error: cause }: ConnectionEnd,
  isClosedLocally: boolean,
): ConnectionClosedDetails & { readonly message: string } {
  const isLocal = isClosedLocally || cause instanceof ProtocolError || cause?.code === "ABORTED";
  const closedBy = isLocal ? "local" : closeCode === CloseCode.Abnormal ? "transport" : "peer";
  const quoted = reason === "" ? "" : ` ${quote(reason)}`;
  const why = cause === undefined ? "" : `: ${cause.message}`;
  const message = `the connection ended with ${closeCode}${quoted}${CLOSED_BY[closedBy]}${why}`;
  const { status } = (cause ?? {}) as { readonly status?: number };
  return {
    closeCode,
    reason,
    wasClean,
    closedBy,
    message,
    ...(cause && { cause }),
    ...(status && { status }),
  };
}
