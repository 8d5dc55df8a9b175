/** The length of an identity: 128 bits in base64url. */
const IDENTITY_BYTES = 16;

/**
 * Returns the identity of a session: the first 128 bits of the SHA-256 of its secret, in base64url. Ids of
 * the broker contain it. The secret cannot be computed from it.
 */
export async function identityOf(secret: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", encoder.encode(secret));
  const bytes = new Uint8Array(hash, 0, IDENTITY_BYTES);
  // In one step, because V8 may keep the text before a replacement in memory with the text after it.
  return btoa(String.fromCharCode(...bytes)).replace(/[+/=]/g, (char) => URL_SAFE[char]);
}

const encoder = new TextEncoder();

const URL_SAFE: Readonly<Record<string, string>> = { "+": "-", "/": "_", "=": "" };
