import type { Socket } from "tideway/server";
import type { Presence, Topic, TopicSubscription } from "tideway/topics";
import { type Claim, readClaim, type Roster, settle } from "./claim.ts";
import { watcher } from "./watcher.ts";

/**
 * The users of a room, on all servers. Each connection that has a name is a member of a topic, so the users
 * of a crashed server are removed after a while.
 */
export class People {
  readonly #topic: Topic;
  readonly #onChange: (roster: Roster) => void;
  readonly #presences = new WeakMap<Socket, Presence>();
  #subscription: TopicSubscription | undefined;
  #claims: readonly Claim[] = [];
  #roster: Roster = settle([]);
  #isStale = false;
  #reading: Promise<void> | undefined;

  /** @param onChange called with each roster that has been read */
  constructor(topic: Topic, onChange: (roster: Roster) => void) {
    this.#topic = topic;
    this.#onChange = onChange;
  }

  get roster(): Roster {
    return this.#roster;
  }

  /** Starts to follow the members. @throws BrokerError */
  async open(): Promise<void> {
    // A notice may be outdated, so the current members are read.
    const onNotice = (): void => void this.refresh().catch(() => {});
    this.#subscription = await this.#topic.subscribe(watcher(onNotice));
    await this.refresh();
  }

  close(): void {
    this.#subscription?.unsubscribe();
  }

  /**
   * Makes a claim. It is valid until the next claim of the same connection, or the end of its socket. Once the
   * promise has resolved, the roster includes the claim.
   *
   * @throws BrokerError
   */
  async claim(socket: Socket, claim: Omit<Claim, "at">): Promise<void> {
    const latest = Math.max(0, ...this.#claims.map(({ at }) => at));
    const data: Claim = { ...claim, at: Math.max(Date.now(), latest + 1) };
    const presence = await this.#topic.enter(socket, { id: String(claim.id), data });
    const previous = this.#presences.get(socket);
    this.#presences.set(socket, presence);
    await previous?.leave();
    await this.refresh();
  }

  /** Reads the members at the time of the call or later. @throws BrokerError */
  refresh(): Promise<void> {
    this.#isStale = true;
    this.#reading ??= this.#read();
    return this.#reading;
  }

  async #read(): Promise<void> {
    try {
      while (this.#isStale) {
        this.#isStale = false;
        const members = await this.#topic.members();
        this.#claims = members.flatMap(({ data }) => readClaim(data) ?? []);
        this.#roster = settle(this.#claims);
        this.#onChange(this.#roster);
      }
    } finally {
      this.#reading = undefined;
    }
  }
}
