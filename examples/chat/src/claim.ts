import { nameKey } from "./names.ts";

/** What one connection wants to be called, as all servers know it. */
export interface Claim {
  /** The connection's, unique among all servers. */
  readonly id: number;
  readonly name: string;
  /** When it was made, in milliseconds since 1970; later than all that its server had seen by then. */
  readonly at: number;
  readonly session?: string;
}

/** Who is in the room, as it follows from all claims. */
export interface Roster {
  /** Those who are called what they claim, in the order of their claims. */
  readonly present: readonly Claim[];
  /** Those whose name somebody else has: they have to claim another. */
  readonly rejected: readonly Claim[];
  /** Connections whose session has a later one: they are to be dropped. */
  readonly replaced: readonly Claim[];
}

/**
 * Decides who is called what. Every server comes to the same answer from the same claims, whichever
 * it heard of first:
 *
 * 1. the latest claim of a session is the one that counts;
 * 2. of several claims to a name the earliest has it; of two that are as early, the one with the
 *    lower id.
 *
 * Since a claim is later than all that its server has seen, nobody loses a name to somebody who could
 * have known: only two who ask in the same moment can be in doubt.
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

/** Reads a claim that some server has made; undefined for what is none. */
export function readClaim(data: unknown): Claim | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const { id, name, at, session } = data as Record<string, unknown>;
  if (!Number.isSafeInteger(id) || !Number.isSafeInteger(at)) return undefined;
  if (typeof name !== "string") return undefined;
  const claim = { id: id as number, name, at: at as number };
  return typeof session === "string" ? { ...claim, session } : claim;
}
