/** The certificate that a client sent in the TLS handshake (mutual TLS, RFC 8446 4.4.2). */
export interface ClientCertificate {
  /**
   * Whether a certificate authority in `tls.ca` issued the certificate, and its dates are valid. Check this
   * if `tls.rejectUnauthorized` is false, because anyone can create a certificate with any subject.
   */
  readonly isVerified: boolean;
  /** The OpenSSL code of the failed check, such as `"DEPTH_ZERO_SELF_SIGNED_CERT"`. */
  readonly verificationError: string | undefined;
  /** The subject, one attribute per line: `"O=Example\nCN=alice"`. */
  readonly subject: string;
  /** The subject alternative names, such as `"DNS:alice.example.com"`. */
  readonly subjectAltName: string | undefined;
  /** The issuer, one attribute per line, like `subject`. */
  readonly issuer: string;
  /** The serial number in hexadecimal. */
  readonly serialNumber: string;
  /** The SHA-256 digest of the certificate, in hexadecimal with colons. */
  readonly fingerprint256: string;
  /** The start of the validity period, such as `"Nov 30 00:00:00 2026 GMT"`. */
  readonly validFrom: string;
  /** The end of the validity period, in the same format as `validFrom`. */
  readonly validTo: string;
  /** The certificate in DER. `new X509Certificate(raw)` of `node:crypto` reads all its fields. */
  readonly raw: Uint8Array;
}
