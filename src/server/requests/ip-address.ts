/** An IPv4 or IPv6 address. An IPv4-mapped IPv6 address becomes the IPv4 address that it contains. */
export interface IpAddress {
  /** The text that was parsed, in lower case; dotted IPv4 for an IPv4-mapped address. */
  readonly text: string;
  /** 4 or 16 bytes. */
  readonly bytes: readonly number[];
}

/** A network in CIDR notation (RFC 4632). A single address has a prefix of all its bits. */
export interface IpNetwork {
  readonly bytes: readonly number[];
  readonly prefixBits: number;
}

/** The length of "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255". */
const MAX_ADDRESS_CHARS = 45;

const DECIMAL_BYTE = /^(?:0|[1-9][0-9]{0,2})$/;
const HEX_GROUP = /^[0-9a-f]{1,4}$/;

/** The first 12 bytes of an IPv4-mapped IPv6 address (RFC 4291 2.5.5.2). */
const MAPPED_PREFIX: readonly number[] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** Parses an address without brackets, port or zone; undefined if `text` is not one. */
export function parseIpAddress(text: string): IpAddress | undefined {
  if (text.length > MAX_ADDRESS_CHARS) return undefined;
  if (!text.includes(":")) {
    const bytes = parseIpv4(text);
    return bytes && { text, bytes };
  }
  const lower = text.toLowerCase();
  const bytes = parseIpv6(lower);
  if (bytes === undefined) return undefined;
  if (!isMapped(bytes)) return { text: lower, bytes };
  const ipv4 = bytes.slice(MAPPED_PREFIX.length);
  return { text: ipv4.join("."), bytes: ipv4 };
}

/** Parses `address` or `address/prefix`; undefined if `text` is neither. */
export function parseIpNetwork(text: string): IpNetwork | undefined {
  const [address, prefix, ...rest] = text.split("/");
  const parsed = parseIpAddress(address);
  if (parsed === undefined || rest.length > 0) return undefined;
  const { bytes } = parsed;
  const maxBits = bytes.length * 8;
  if (prefix === undefined) return { bytes, prefixBits: maxBits };
  if (!DECIMAL_BYTE.test(prefix)) return undefined;
  // The prefix of an IPv4-mapped network counts the bits of IPv6.
  const mappedBits = address.includes(":") && bytes.length === 4 ? MAPPED_PREFIX.length * 8 : 0;
  const prefixBits = Number(prefix) - mappedBits;
  return prefixBits >= 0 && prefixBits <= maxBits ? { bytes, prefixBits } : undefined;
}

/** Whether `address` is in `network`. No IPv6 network contains an IPv4 address. */
export function isInNetwork({ bytes }: IpAddress, network: IpNetwork): boolean {
  if (bytes.length !== network.bytes.length) return false;
  return bytes.every((byte, index) => {
    const bits = Math.min(8, Math.max(0, network.prefixBits - index * 8));
    const mask = (0xff << (8 - bits)) & 0xff;
    return ((byte ^ network.bytes[index]) & mask) === 0;
  });
}

function parseIpv4(text: string): number[] | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  // No leading zeros, which some programs read as octal.
  const isValid = parts.every((part) => DECIMAL_BYTE.test(part) && Number(part) <= 255);
  return isValid ? parts.map(Number) : undefined;
}

/** RFC 4291 2.2. */
function parseIpv6(text: string): number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const isShortened = halves.length === 2;
  const head = parseGroups(halves[0], !isShortened);
  const tail = isShortened ? parseGroups(halves[1], true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  // "::" replaces at least one group.
  if (isShortened ? missing < 2 : missing !== 0) return undefined;
  return [...head, ...Array<number>(missing).fill(0), ...tail];
}

/** The bytes of groups between colons. At the end of the address, the last group may be dotted IPv4. */
function parseGroups(text: string, isEnd: boolean): number[] | undefined {
  if (text === "") return [];
  const groups = text.split(":");
  const bytes: number[] = [];
  for (const [index, group] of groups.entries()) {
    if (HEX_GROUP.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
      continue;
    }
    const ipv4 = isEnd && index === groups.length - 1 ? parseIpv4(group) : undefined;
    if (ipv4 === undefined) return undefined;
    bytes.push(...ipv4);
  }
  return bytes;
}

function isMapped(bytes: readonly number[]): boolean {
  return MAPPED_PREFIX.every((byte, index) => bytes[index] === byte);
}
