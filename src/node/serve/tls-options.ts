import { constants } from "node:crypto";
import {
  createServer as createHttpsServer,
  type Server as HttpsServer,
  type ServerOptions as HttpsOptions,
} from "node:https";
import { invalidOption } from "../../errors/check-options.ts";
import { UsageError } from "../../errors/index.ts";
import { HTTP2_ALPN_ID } from "../http2/http2-listener.ts";
import { refuseGap, RUNTIME_GAPS, type RuntimeGaps } from "./runtime-gaps.ts";

/**
 * @throws {@link UsageError} `INVALID_OPTION` if `tls` has no certificate, or `UNSUPPORTED` if this
 *   runtime ignores one of its options
 */
export function checkTls(tls: HttpsOptions | undefined, gaps: RuntimeGaps = RUNTIME_GAPS): void {
  if (tls === undefined) return;
  if (typeof tls !== "object" || tls === null) {
    throw invalidOption("serve", "tls", tls, "an object with options of node:https");
  }
  const { cert, key, pfx, SNICallback, pskCallback } = tls;
  if (SNICallback !== undefined) refuseGap("tls.SNICallback", gaps.SNICallback);
  const isIdentified = (cert !== undefined && key !== undefined) || pfx !== undefined;
  if (isIdentified || SNICallback !== undefined || pskCallback !== undefined) return;
  throw new UsageError(
    "INVALID_OPTION",
    "serve: tls has no certificate; pass cert and key, or pfx, or SNICallback",
  );
}

/**
 * @throws {@link UsageError} `INVALID_OPTION`, or `UNSUPPORTED` if this runtime cannot serve HTTP/2
 */
export function checkHttp2(
  http2: unknown,
  tls: HttpsOptions | undefined,
  gaps: RuntimeGaps = RUNTIME_GAPS,
): void {
  if (typeof http2 !== "boolean") {
    throw invalidOption("serve", "http2", http2, "a boolean");
  }
  if (!http2) return;
  if (tls === undefined) {
    throw new UsageError(
      "INVALID_OPTION",
      "serve: http2 needs tls, because browsers use HTTP/2 only over TLS; pass tls, or leave out http2",
    );
  }
  refuseGap("http2", gaps.http2);
}

/** Adds HTTP/2 to the protocols that the server accepts in ALPN. */
export function withHttp2(tls: HttpsOptions): HttpsOptions {
  // RFC 9113 9.2.1: no renegotiation.
  const secureOptions = (tls.secureOptions ?? 0) | constants.SSL_OP_NO_RENEGOTIATION;
  if (tls.ALPNProtocols !== undefined || tls.ALPNCallback !== undefined) {
    return { ...tls, secureOptions };
  }
  // The server chooses, in this order, among what the client offers (RFC 7301 3.2).
  return { ...tls, secureOptions, ALPNProtocols: [HTTP2_ALPN_ID, "http/1.1"] };
}

/** @throws {@link UsageError} `INVALID_OPTION` if Node.js refuses `options`, for example a malformed key */
export function createTlsServer(options: HttpsOptions): HttpsServer {
  try {
    return createHttpsServer(options);
  } catch (cause) {
    const why = (cause as Error).message;
    // OpenSSL finds no PEM in a path, which is a common mistake.
    const advice = why.includes("no start line")
      ? "; key and cert must be the contents of PEM files, not their paths"
      : "";
    throw new UsageError("INVALID_OPTION", `serve: the option tls is invalid: ${why}${advice}`, {
      cause,
    });
  }
}
