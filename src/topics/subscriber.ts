import { isSamePosition, type Position } from "./position.ts";
import type { GapReason, TopicData } from "./publication.ts";
import type { Content, Prepared } from "./recent-publications.ts";
import { onEnd } from "./socket-end.ts";
import type { TopicSocket } from "./topic-socket.ts";

/** What a subscriber needs of the node's feed. */
export interface SubscriberSource {
  readonly position: Position;
  /** Whether a subscriber is told who is present. */
  readonly hasPresence: boolean;
  /** The publication behind `position`, if it is in memory. */
  next(position: Position): Prepared | undefined;
  /**
   * Reads some of what comes behind `position`, a good while if need be. Why not, where that is not
   * to be had; an empty list when the feed is closed.
   */
  readAfter(position: Position): Promise<readonly Prepared[] | GapReason>;
  /** The notice of a loss. */
  encodeLost(position: Position, reason: GapReason): TopicData | undefined;
  /** The notice of who is present. */
  encodeMembers(): TopicData | undefined;
  remove(subscriber: Subscriber): void;
}

/** RFC 6455 11.7: the WHATWG numbers of `readyState`; only this one lets messages out. */
const OPEN = 1;

/** IANA: Try Again Later. */
const TRY_AGAIN_LATER = 1013;

type Outcome = "sent" | "full" | "refused" | "over";

/**
 * One socket on a topic, and how far it has come. A socket that takes no more right now falls behind:
 * it keeps no publications of its own, but reads on from its position once it has drained, out of the
 * node's memory or from the broker, until it has caught up or what it needs is gone.
 */
export class Subscriber {
  readonly socket: TopicSocket;
  readonly #source: SubscriberSource;
  #state: "live" | "behind" | "over" = "behind";
  #position: Position;
  /** What has to be sent before the next publication. */
  #greeting: TopicData | undefined;
  #loss: TopicData | undefined;
  #needsMembers: boolean;
  readonly #stopWatching: () => void;

  /** Call `start` next. */
  constructor(socket: TopicSocket, source: SubscriberSource, position: Position) {
    this.socket = socket;
    this.#source = source;
    this.#position = position;
    this.#needsMembers = source.hasPresence;
    this.#stopWatching = onEnd(socket, () => this.end());
  }

  /** Sends the greeting, then what comes behind the position. */
  start(greeting: TopicData | undefined): void {
    this.#greeting = greeting;
    void this.#catchUp(false);
  }

  /** Takes the next publication of the feed; whoever is behind finds it later by itself. */
  offer(prepared: Prepared): void {
    if (this.#state === "live" && !this.#deliver(prepared)) this.#fallBehind();
  }

  /** Takes a notice of presence, which a socket that is behind does not need. */
  tell(content: Content): void {
    if (this.#state !== "live") {
      this.#needsMembers = true;
      return;
    }
    const outcome = this.#send(content);
    if (outcome === "refused") this.#needsMembers = true;
    if (outcome !== "sent") this.#fallBehind();
  }

  /** Goes on at `position`; what was before it is lost, as `notice` says. */
  lose(position: Position, notice: TopicData | undefined): void {
    if (this.#state === "over") return;
    this.#position = position;
    if (notice === undefined) {
      this.end();
      this.socket.close(TRY_AGAIN_LATER, "publications were lost");
      return;
    }
    this.#loss = notice;
    if (this.#state === "live") void this.#catchUp(false);
  }

  /** Sends nothing any more. */
  end(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#stopWatching();
    this.#source.remove(this);
  }

  #fallBehind(): void {
    if (this.#state === "live") void this.#catchUp(true);
  }

  /** Runs until the subscriber is live, or over; there is one at a time. */
  async #catchUp(mustWait: boolean): Promise<void> {
    this.#state = "behind";
    let page: readonly Prepared[] = [];
    while (this.#state === "behind") {
      if (mustWait && !(await hasDrained(this.socket))) this.end();
      mustWait = !this.#sendNotices() || !this.#sendPublications(page);
      if (mustWait) continue;
      if (!isSamePosition(this.#position, this.#source.position)) page = await this.#read();
      else if (this.#sendMembers()) this.#state = "live";
      else mustWait = true;
    }
  }

  /** Whether all were sent, and more can be. */
  #sendNotices(): boolean {
    if (this.#greeting !== undefined) {
      const outcome = this.#send(this.#greeting);
      if (outcome !== "refused") this.#greeting = undefined;
      if (outcome !== "sent") return false;
    }
    if (this.#loss !== undefined) {
      const outcome = this.#send(this.#loss);
      if (outcome !== "refused") this.#loss = undefined;
      if (outcome !== "sent") return false;
    }
    return true;
  }

  /** Whether all were sent that are in memory, or in `page`, and more can be. */
  #sendPublications(page: readonly Prepared[]): boolean {
    for (;;) {
      const position = this.#position;
      const prepared = this.#source.next(position) ?? after(page, position);
      if (prepared === undefined) return true;
      if (!this.#deliver(prepared)) return false;
    }
  }

  /** Whether more can be sent. */
  #sendMembers(): boolean {
    const content = this.#needsMembers ? this.#source.encodeMembers() : undefined;
    const outcome = content === undefined ? "sent" : this.#send(content);
    if (outcome !== "refused") this.#needsMembers = false;
    return outcome === "sent";
  }

  async #read(): Promise<readonly Prepared[]> {
    const position = this.#position;
    const page = await this.#source.readAfter(position);
    if (typeof page !== "string") return page;
    // Unless the whole feed has lost something meanwhile, and told so.
    if (this.#position === position) {
      const now = this.#source.position;
      this.lose(now, this.#source.encodeLost(now, page));
    }
    return [];
  }

  /** Whether more can be sent. */
  #deliver({ position, content }: Prepared): boolean {
    const outcome = content === undefined ? "sent" : this.#send(content);
    if (outcome === "sent" || outcome === "full") this.#position = position;
    return outcome === "sent";
  }

  // The one place where something leaves for a socket.
  #send(content: Content): Outcome {
    const { socket } = this;
    if (socket.readyState !== OPEN) return this.#isOver();
    const before = socket.bufferedAmount;
    // A shared message only where the user has said that sockets take it.
    if (socket.send(content as TopicData)) return "sent";
    if (socket.readyState !== OPEN) return this.#isOver();
    return socket.bufferedAmount === before ? "refused" : "full";
  }

  #isOver(): "over" {
    this.end();
    return "over";
  }
}

async function hasDrained(socket: TopicSocket): Promise<boolean> {
  try {
    await socket.drained;
    return true;
  } catch {
    return false;
  }
}

/** The one behind `position` in `page`, whose offsets have no gaps. */
function after(page: readonly Prepared[], { epoch, offset }: Position): Prepared | undefined {
  if (page.length === 0 || page[0].position.epoch !== epoch) return undefined;
  return page[offset + 1 - page[0].position.offset];
}
