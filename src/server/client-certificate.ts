/** The certificate that a client sent in the TLS handshake (mutual TLS). */
export interface ClientCertificate {
  /**
   * Whether an authority of `tls.ca` issued the certificate and its dates are valid. Check this if
   * `tls.rejectUnauthorized` is false: anyone can make a certificate with any subject.
   */
  readonly isVerified: boolean;
  /** The reason why it is not verified, such as `"DEPTH_ZERO_SELF_SIGNED_CERT"`. */
  readonly verificationError: string | undefined;
  /** The subject, one attribute per line: `"O=Example\nCN=alice"`. */
  readonly subject: string;
  /** The subject alternative names, such as `"DNS:alice.example.com"`. */
  readonly subjectAltName: string | undefined;
  readonly issuer: string;
  readonly serialNumber: string;
  /** SHA-256 over the whole certificate, in hexadecimal with colons. */
  readonly fingerprint256: string;
  readonly validFrom: string;
  readonly validTo: string;
  /** The certificate in DER; `new X509Certificate(raw)` of `node:crypto` reads all of it. */
  readonly raw: Uint8Array;
}
