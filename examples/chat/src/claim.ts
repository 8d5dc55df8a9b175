import { nameKey } from "./names.ts";

/** The name that one connection wants, as all servers know it. */
export interface Claim {
  /** The id of the connection, unique among all servers. */
  readonly id: number;
  readonly name: string;
  /** When it was made, in milliseconds since 1970; later than all claims that its server had seen before. */
  readonly at: number;
  readonly session?: string;
}

/** The users of a room, decided from all claims. */
export interface Roster {
  /** The users that have the name they claim, in the order of their claims. */
  readonly present: readonly Claim[];
  /** The users that claim a name that is taken. They must claim another name. */
  readonly rejected: readonly Claim[];
  /** Connections with a later connection in the same session. They must be closed. */
  readonly replaced: readonly Claim[];
}

/**
 * Decides which user has which name. Every server makes the same decision from the same claims, in any
 * order:
 *
 * 1. only the latest claim of a session counts;
 * 2. of several claims to a name, the earliest wins; of two equally early claims, the lower id wins.
 *
 * A claim is later than all claims that its server has seen, so a new claim never takes a name from a known
 * user. A conflict needs two claims at the same moment.
 */
export function settle(claims: Iterable<Claim>): Roster {
  const ordered = [...claims].toSorted((one, other) => one.at - other.at || one.id - other.id);
  const latest = new Map<string, Claim>();
  for (const claim of ordered) {
    if (claim.session !== undefined) latest.set(claim.session, claim);
  }
  const names = new Set<string>();
  const roster = { present: [] as Claim[], rejected: [] as Claim[], replaced: [] as Claim[] };
  for (const claim of ordered) {
    const key = nameKey(claim.name);
    if (claim.session !== undefined && latest.get(claim.session) !== claim) {
      roster.replaced.push(claim);
    } else if (names.has(key)) {
      roster.rejected.push(claim);
    } else {
      names.add(key);
      roster.present.push(claim);
    }
  }
  return roster;
}

/** Reads a claim of another server. Returns undefined if the value is not a claim. */
export function readClaim(data: unknown): Claim | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const { id, name, at, session } = data as Record<string, unknown>;
  if (!Number.isSafeInteger(id) || !Number.isSafeInteger(at)) return undefined;
  if (typeof name !== "string") return undefined;
  const claim = { id: id as number, name, at: at as number };
  return typeof session === "string" ? { ...claim, session } : claim;
}
