import type { TLSSocket } from "node:tls";
import type { ClientCertificate } from "../../server/requests/client-certificate.ts";

/**
 * Reads the TLS client certificate of `connection`. Returns undefined if there is none, or if the connection
 * does not use TLS.
 */
export function readClientCertificate(connection: object): ClientCertificate | undefined {
  if (!("getPeerX509Certificate" in connection)) return undefined;
  const socket = connection as TLSSocket;
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  const { subject, subjectAltName, issuer, serialNumber, fingerprint256 } = certificate;
  const { validFrom, validTo, raw } = certificate;
  const isVerified = socket.authorized === true;
  return {
    isVerified,
    verificationError: isVerified ? undefined : describeError(socket.authorizationError),
    subject,
    subjectAltName,
    issuer,
    serialNumber,
    fingerprint256,
    validFrom,
    validTo,
    raw: Uint8Array.from(raw),
  };
}

/** On a server, `authorizationError` is an OpenSSL code, as a string. */
function describeError(error: unknown): string {
  return typeof error === "string" ? error : "NOT_VERIFIED";
}
