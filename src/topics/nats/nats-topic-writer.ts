import type { BrokerError } from "../../errors/index.ts";
import type { BrokerPublishResult } from "../broker/broker.ts";
import type { Position } from "../broker/position.ts";
import type { NatsDraft, NatsLog } from "./nats-log.ts";
import { NatsPlacements } from "./nats-placements.ts";
import type { Tail } from "./nats-record.ts";

/** The environment of a `NatsTopicWriter`. */
export interface NatsWriterEnvironment {
  readonly log: Pick<
    NatsLog,
    | "appendNumbered"
    | "appendFollowing"
    | "tail"
    | "readTail"
    | "positionOf"
    | "positionOfDuplicate"
  >;
  /**
   * Whether several servers of a NATS cluster store the stream. They may remember the id of a message that they
   * refuse, and then they refuse it again. So all publications become following messages, which they accept.
   */
  readonly isReplicated: boolean;
  /** The maximum number of following messages in flight. */
  readonly maxInFlight: number;
  /** Calls back with the position of each message that NATS delivers. Returns a function that stops it. */
  readonly follow: (onPlaced: (tail: Tail) => void) => () => void;
  /** Called when no publication is pending. */
  readonly onIdle: () => void;
}

/** A publication that is not stored yet. */
interface Pending {
  readonly draft: NatsDraft;
  readonly resolve: (receipt: BrokerPublishResult) => void;
  readonly reject: (error: unknown) => void;
}

/** How long a writer continues with following messages after its last publication. */
const LINGER_MS = 100;

/**
 * Stores the publications of one topic in the order of the calls. A single publication becomes a numbered
 * message, so its position is known before NATS stores it. If more arrive before it is stored, or another server
 * was faster, the next ones become following messages, and many are in flight at once. NATS delivers each of
 * them to this process too, and that shows its position. In a cluster, all publications are following messages.
 */
export class NatsTopicWriter {
  readonly #subject: string;
  readonly #environment: NatsWriterEnvironment;
  readonly #queue: Pending[] = [];
  /** The first part of the name of the epoch that begins if NATS loses messages. */
  readonly #tag = crypto.randomUUID().slice(0, 8);
  readonly #placements: NatsPlacements;
  #state: "idle" | "starting" | "many" = "idle";
  #isSendScheduled = false;
  #inFlight = 0;
  /** The last message of the topic that is known, while the state is `many`. */
  #tail: Tail | undefined;
  #stopFollowing: () => void = () => {};
  #linger: unknown;

  constructor(subject: string, environment: NatsWriterEnvironment) {
    this.#subject = subject;
    this.#environment = environment;
    this.#placements = new NatsPlacements((sequence) =>
      environment.log.positionOf(subject, sequence),
    );
  }

  append(draft: NatsDraft): Promise<BrokerPublishResult> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ draft, resolve, reject });
      if (this.#state === "idle") void this.#start();
      else if (this.#state === "many") this.#scheduleSend();
    });
  }

  /** Stops listening, and rejects the publications that are not in flight. The others still settle. */
  close(reason: BrokerError): void {
    this.#rejectQueue(reason);
    this.#stop();
  }

  #start(): Promise<void> {
    this.#state = "starting";
    return this.#environment.isReplicated ? this.#openMany(false) : this.#storeSingle();
  }

  async #storeSingle(): Promise<void> {
    const [pending] = this.#queue.splice(0, 1);
    const { log } = this.#environment;
    let isStored = false;
    try {
      const receipt = await log.appendNumbered(this.#subject, pending.draft);
      isStored = receipt !== undefined;
      if (receipt === undefined) this.#queue.unshift(pending);
      else pending.resolve(receipt);
    } catch (error) {
      pending.reject(error);
    }
    if (this.#queue.length === 0) this.#end();
    else await this.#openMany(isStored);
  }

  /** @param isTailKnown whether the log has just stored the last message */
  async #openMany(isTailKnown: boolean): Promise<void> {
    const { log, follow } = this.#environment;
    try {
      this.#tail = await (isTailKnown ? log.tail(this.#subject) : log.readTail(this.#subject));
      this.#stopFollowing = follow(this.#onPlaced);
    } catch (error) {
      this.#rejectQueue(error);
    }
    if (this.#queue.length === 0) {
      this.#end();
      return;
    }
    this.#state = "many";
    this.#scheduleSend();
  }

  /**
   * Sends in a separate microtask. The NATS client captures a stack trace for each message, and the frames of
   * the callers make that several times slower.
   */
  #scheduleSend(): void {
    if (this.#isSendScheduled) return;
    this.#isSendScheduled = true;
    queueMicrotask(this.#send);
  }

  readonly #send = (): void => {
    this.#isSendScheduled = false;
    clearTimeout(this.#linger as never);
    const { maxInFlight } = this.#environment;
    const count = Math.max(0, maxInFlight - this.#inFlight);
    for (const pending of this.#queue.splice(0, count)) void this.#sendOne(pending, this.#tail!);
  };

  async #sendOne({ draft, resolve, reject }: Pending, anchor: Tail): Promise<void> {
    this.#inFlight++;
    const { log } = this.#environment;
    try {
      const ack = await log.appendFollowing(this.#subject, draft, { anchor, tag: this.#tag });
      const position = await this.#positionOf(ack);
      resolve({ position, isDuplicate: ack.duplicate });
    } catch (error) {
      reject(error);
    }
    this.#inFlight--;
    if (this.#queue.length > 0) this.#scheduleSend();
    else if (this.#inFlight === 0) this.#linger = setTimeout(() => this.#end(), LINGER_MS);
  }

  #positionOf(ack: { readonly seq: number; readonly duplicate: boolean }): Promise<Position> {
    return ack.duplicate
      ? this.#environment.log.positionOfDuplicate(this.#subject, ack.seq)
      : this.#placements.waitFor(ack.seq);
  }

  #rejectQueue(error: unknown): void {
    for (const { reject } of this.#queue.splice(0)) reject(error);
  }

  #end(): void {
    this.#stop();
    this.#environment.onIdle();
  }

  #stop(): void {
    clearTimeout(this.#linger as never);
    this.#stopFollowing();
    this.#placements.close();
    this.#state = "idle";
  }

  readonly #onPlaced = (tail: Tail): void => {
    this.#tail = tail;
    this.#placements.add(tail);
  };
}
