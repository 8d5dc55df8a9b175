import { CloseCode } from "../../errors/close-code.ts";
import type { LossReason } from "../../topic-names/loss-reason.ts";
import { isSamePosition, type Position } from "../broker/position.ts";
import type { TopicData } from "../broker/publication.ts";
import type { Content, Prepared } from "../messages/recent-publications.ts";
import {
  type SocketEndListener,
  type TopicSocket,
  unwatchEnd,
  watchEnd,
} from "../messages/topic-socket.ts";

/** The part of its group that a subscriber uses: a source of publications and notices. */
export interface SubscriberSource {
  /** The last position of the topic. */
  readonly position: Position;
  /** Whether subscribers get the members that are present. */
  readonly hasPresence: boolean;
  /** The publication after `position`, if it is in memory. */
  next(position: Position): Prepared | undefined;
  /**
   * Reads publications after `position` from the broker, and retries until it answers. Returns a reason if
   * the broker does not have them, and an empty list if the feed is closed.
   */
  readAfter(position: Position): Promise<readonly Prepared[] | LossReason>;
  /** Encodes the notice of a loss. */
  encodeLost(position: Position, reason: LossReason): Content | undefined;
  /** Encodes the list of members. */
  encodeMembers(): Content | undefined;
  remove(subscriber: Subscriber): void;
}

/** The value of `readyState` in which a socket can send messages, as in the WHATWG interface. */
const OPEN = 1;

type Outcome = "sent" | "full" | "refused" | "ended";

/** The kinds of notices, in the order in which they are sent. */
const NOTICES = ["subscribed", "lost"] as const;

/** Notices to send before the next publication. */
type Notices = { [Kind in (typeof NOTICES)[number]]?: Content | undefined };

/**
 * One socket that is subscribed to a topic, and the position of the last publication that was sent to it.
 * When the socket's buffer is full, the subscriber falls behind, and keeps no publications. Once the socket
 * has drained, it reads the publications after its position, from memory or from the broker, until it has
 * caught up.
 *
 * There may be very many, so it has few fields.
 */
export class Subscriber implements SocketEndListener {
  readonly socket: TopicSocket;
  readonly #source: SubscriberSource;
  #state: "live" | "behind" | "ended" = "behind";
  #position: Position;
  #notices: Notices | undefined;
  /** `needed`: the subscriber gets the list of members once it has caught up. */
  #members: "unwanted" | "needed" | "sent";

  /** Creates a subscriber. Call `start` next. */
  constructor(
    socket: TopicSocket,
    source: SubscriberSource,
    position: Position,
    wantsMembers: boolean = true,
  ) {
    this.socket = socket;
    this.#source = source;
    this.#position = position;
    if (!wantsMembers) this.#members = "unwanted";
    else this.#members = source.hasPresence ? "needed" : "sent";
    watchEnd(socket, this);
  }

  /** Sends the notice `subscribed`, then the publications after the position. */
  start(subscribedNotice: Content | undefined): void {
    if (subscribedNotice !== undefined) this.#notices = { subscribed: subscribedNotice };
    void this.#catchUp(false);
  }

  /** Sends the latest publications of the topic. A subscriber that is behind reads them later. */
  offer(publications: readonly Prepared[]): void {
    for (const prepared of publications) {
      if (this.#state !== "live") return;
      // A subscriber that has just caught up may have got it already.
      if (prepared.position.offset <= this.#position.offset) continue;
      if (!this.#deliver(prepared)) this.#fallBehind();
    }
  }

  /** Sends a notice of presence. A subscriber that is behind gets the list of members later instead. */
  notify(content: Content): void {
    if (this.#members === "unwanted") return;
    const outcome = this.#state === "live" ? this.#send(content) : "refused";
    if (outcome === "refused") this.#members = "needed";
    if (outcome !== "sent") this.#fallBehind();
  }

  /**
   * Continues at `position` after a loss. Without a notice of the loss, closes the socket, so that the client
   * does not assume that it has all publications.
   */
  skipTo(position: Position, lostNotice: Content | undefined): void {
    if (this.#state === "ended") return;
    this.#position = position;
    if (lostNotice === undefined) {
      this.end();
      this.socket.close(CloseCode.TryAgainLater, "publications were lost");
      return;
    }
    (this.#notices ??= {}).lost = lostNotice;
    if (this.#state === "live") void this.#catchUp(false);
  }

  onSocketEnd(): void {
    this.end();
  }

  /** Stops sending. The socket stays open. */
  end(): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    unwatchEnd(this.socket, this);
    this.#source.remove(this);
  }

  #fallBehind(): void {
    if (this.#state === "live") void this.#catchUp(true);
  }

  /** Sends missed publications until the subscriber is live or ended. Only one call runs at a time. */
  async #catchUp(mustWait: boolean): Promise<void> {
    this.#state = "behind";
    let page: readonly Prepared[] = [];
    while (this.#state === "behind") {
      if (mustWait && !(await hasDrained(this.socket))) this.end();
      // The subscriber may have ended during the wait.
      if (this.#isEnded()) return;
      mustWait = !this.#sendNotices() || !this.#sendPublications(page);
      if (mustWait) continue;
      if (!isSamePosition(this.#position, this.#source.position)) page = await this.#read();
      else if (this.#sendMembers()) this.#state = "live";
      else mustWait = true;
    }
  }

  /** Returns whether it has sent all notices, and the socket has room for more. */
  #sendNotices(): boolean {
    const notices = this.#notices;
    if (notices === undefined) return true;
    for (const kind of NOTICES) {
      const notice = notices[kind];
      if (notice === undefined) continue;
      const outcome = this.#send(notice);
      if (outcome !== "refused") notices[kind] = undefined;
      if (outcome !== "sent") return false;
    }
    this.#notices = undefined;
    return true;
  }

  /** Sends the publications in memory or in `page`. Returns whether the socket has room for more. */
  #sendPublications(page: readonly Prepared[]): boolean {
    for (;;) {
      const position = this.#position;
      const prepared = this.#source.next(position) ?? after(page, position);
      if (prepared === undefined) return true;
      if (!this.#deliver(prepared)) return false;
    }
  }

  /** Returns whether the socket has room for more. */
  #sendMembers(): boolean {
    const content = this.#members === "needed" ? this.#source.encodeMembers() : undefined;
    const outcome = content === undefined ? "sent" : this.#send(content);
    if (this.#members === "needed" && outcome !== "refused") this.#members = "sent";
    return outcome === "sent";
  }

  async #read(): Promise<readonly Prepared[]> {
    const position = this.#position;
    const page = await this.#source.readAfter(position);
    if (typeof page !== "string") return page;
    // If the position differs, the whole feed has lost publications during the read, and has skipped them.
    if (this.#position === position) {
      const now = this.#source.position;
      this.skipTo(now, this.#source.encodeLost(now, page));
    }
    return [];
  }

  /** Returns whether the socket has room for more. */
  #deliver({ position, content }: Prepared): boolean {
    const outcome = content === undefined ? "sent" : this.#send(content);
    if (outcome === "sent" || outcome === "full") this.#position = position;
    return outcome === "sent";
  }

  /** Sends a message to the socket. All messages use this method. */
  #send(content: Content): Outcome {
    const { socket } = this;
    if (socket.readyState !== OPEN) return this.#endWithSocket();
    const before = socket.bufferedAmount;
    // A shared message comes from the option `prepare`, which requires sockets that accept it.
    if (socket.send(content as TopicData)) return "sent";
    if (socket.readyState !== OPEN) return this.#endWithSocket();
    return socket.bufferedAmount === before ? "refused" : "full";
  }

  #endWithSocket(): "ended" {
    this.end();
    return "ended";
  }

  #isEnded(): boolean {
    return this.#state === "ended";
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

/** Returns the publication after `position` in `page`, which has no gaps. */
function after(page: readonly Prepared[], { epoch, offset }: Position): Prepared | undefined {
  if (page.length === 0 || page[0].position.epoch !== epoch) return undefined;
  return page[offset + 1 - page[0].position.offset];
}
