import { validate } from "../../schema/validate.ts";
import type { Member, Presence, TopicSocket } from "../../topics/index.ts";
import type { ErrorFields, FrameMember } from "../wire/frames.ts";
import type { ClientFrameOf } from "../wire/server-session.ts";
import { acquireTopic } from "./acquire-topic.ts";
import type { ChannelConnection } from "./connection.ts";
import { brokerFailure, FORBIDDEN, INTERNAL, invalidRequest, NO_PRESENCE } from "./failures.ts";
import { causeOf } from "./message.ts";
import { runRule } from "./rules.ts";
import type { TopicEntry } from "./topic-table.ts";

type EnterFrame = ClientFrameOf<"enter">;

/** A topic that a connection has entered, or is entering. */
interface Entered {
  readonly entry: TopicEntry;
  /** Settles when the rule and the broker have answered. Undefined if the client is not present. */
  presence: Promise<Presence | undefined>;
  /** Undefined before the broker has answered. */
  member: FrameMember | undefined;
  isReleased: boolean;
}

/** Of how many earlier connections `enter` and `leave` remove the entry. */
const MAX_REPLACED = 16;

/** Presence needs a socket only to end with it, and {@link Presences} ends it. */
const NO_SOCKET: TopicSocket = {
  readyState: 1,
  bufferedAmount: 0,
  drained: Promise.resolve(),
  send: () => false,
  close: () => {},
};

/** The topics that one connection has entered. */
export class Presences {
  readonly #connection: ChannelConnection;
  readonly #byTopic = new Map<string, Entered>();
  /** Topics that it is leaving. They count until the broker has answered. */
  #leaving = 0;

  constructor(connection: ChannelConnection) {
    this.#connection = connection;
  }

  enter(frame: EnterFrame): void {
    const { session } = this.#connection;
    const known = this.#byTopic.get(frame.topic);
    if (known?.member !== undefined) session.answer(frame.id, { member: known.member });
    else if (known !== undefined) {
      session.fail(frame.id, invalidRequest("an earlier enter has no answer yet"));
    } else {
      const used = { lasting: this.#byTopic.size, pending: this.#leaving };
      const entry = acquireTopic(this.#connection, frame, "maxPresences", used);
      if (entry !== undefined) this.#start(entry, frame);
    }
  }

  leave(frame: ClientFrameOf<"leave">): void {
    const { session } = this.#connection;
    const { id, topic, replaces } = frame;
    const entered = this.#byTopic.get(topic);
    const keys = this.#keysFrom(replaces);
    if (entered === undefined && keys.length === 0) {
      session.answer(id, {});
      return;
    }
    // Topics that the client has entered do not count, so that it can always leave.
    const used = { pending: this.#leaving };
    const entry = acquireTopic(this.#connection, frame, "maxPresences", used);
    if (entry === undefined) return;
    this.#byTopic.delete(topic);
    this.#leaving++;
    void this.#leave(entry, entered, keys).then((error) => {
      this.#leaving--;
      this.#connection.environment.table.release(entry);
      if (error === undefined) session.answer(id, {});
      else session.fail(id, error);
    });
  }

  /** The connection has ended. @param isNormal whether the client closed it, and does not return */
  endAll(isNormal: boolean): void {
    for (const entered of this.#byTopic.values()) {
      void this.#end(entered, async (presence) => {
        if (isNormal) await presence.leave();
        else presence.startGrace();
      });
    }
    this.#byTopic.clear();
  }

  #start(entry: TopicEntry, frame: EnterFrame): void {
    const presence = Promise.resolve(undefined);
    const entered: Entered = { entry, presence, member: undefined, isReleased: false };
    this.#byTopic.set(entry.name, entered);
    entered.presence = this.#enter(entered, frame);
  }

  /** Ends the presence of this and of earlier connections. Returns the error. Never rejects. */
  async #leave(
    entry: TopicEntry,
    entered: Entered | undefined,
    keys: readonly string[],
  ): Promise<ErrorFields | undefined> {
    if (entered !== undefined) await this.#end(entered, (presence) => presence.leave());
    if (keys.length === 0) return undefined;
    try {
      const { presenceGraceMs: graceMs } = this.#connection.environment;
      await entry.topic.leave({ keys, graceMs });
      return undefined;
    } catch (error) {
      return this.#failureOf(error, entry);
    }
  }

  /** The keys of the entries of earlier connections from `first` on: of this one, and of the latest. */
  #keysFrom(first: number = Infinity): string[] {
    const { identity, connectionNumber } = this.#connection;
    const keys: string[] = [];
    for (let number = connectionNumber - 1; number >= first; number--) {
      if (keys.length === MAX_REPLACED - 1) number = first;
      keys.push(`${identity}-${number}`);
    }
    return keys;
  }

  async #end(entered: Entered, end: (presence: Presence) => Promise<void>): Promise<void> {
    // Now, because the rule may never settle.
    this.#release(entered);
    const presence = await entered.presence;
    if (presence !== undefined) await end(presence);
  }

  #release(entered: Entered): void {
    if (entered.isReleased) return;
    entered.isReleased = true;
    this.#connection.environment.table.release(entered.entry);
  }

  /** Enters and answers. Never rejects. */
  async #enter(entered: Entered, { id, replaces }: EnterFrame): Promise<Presence | undefined> {
    const { entry } = entered;
    let failure: ErrorFields;
    try {
      const result = await this.#decide(entry);
      if (!("code" in result)) {
        const presence = await this.#store(entry, result, replaces);
        entered.member = result;
        this.#connection.session.answer(id, { member: result });
        return presence;
      }
      failure = result;
    } catch (error) {
      failure = this.#failureOf(error, entry);
    }
    // After a final refusal, the member must not stay for the grace period of an earlier connection.
    const isFinal = failure.retryAfterMs === undefined;
    if (isFinal) await this.#leave(entry, undefined, this.#keysFrom(replaces));
    this.#fail(entered, id, failure);
    return undefined;
  }

  /** The answer for an error of the broker or of the application. Reports the latter. */
  #failureOf(error: unknown, { name }: TopicEntry): ErrorFields {
    const failure = brokerFailure(error);
    if (failure === undefined) this.#connection.environment.report(error, { kind: "enter", name });
    return failure ?? INTERNAL;
  }

  #fail(entered: Entered, id: number, error: ErrorFields): void {
    const { name } = entered.entry;
    if (this.#byTopic.get(name) === entered) this.#byTopic.delete(name);
    this.#release(entered);
    this.#connection.session.fail(id, error);
  }

  /** Runs the rule, and returns the member or the error. @throws the error of the schema */
  async #decide(entry: TopicEntry): Promise<Member | ErrorFields> {
    const { memberSchema } = entry.compiled;
    if (memberSchema === undefined) return NO_PRESENCE;
    const result = await new Promise((resolve) => {
      const deny = (hasThrown: boolean): void => resolve(hasThrown ? INTERNAL : FORBIDDEN);
      runRule(this.#connection, entry, "enter", undefined, resolve, deny);
    });
    if (result === INTERNAL || result === FORBIDDEN) return result as ErrorFields;
    const { id, data } = result as Member;
    const validation = await validate(memberSchema, data);
    if (validation.kind !== "valid") throw causeOf(validation);
    return validation.value === undefined ? { id } : { id, data: validation.value };
  }

  /** @throws BrokerError, or UsageError `INVALID_MEMBER` */
  #store(entry: TopicEntry, member: Member, replaces: number | undefined): Promise<Presence> {
    const { identity, connectionNumber, environment } = this.#connection;
    return entry.topic.enter(NO_SOCKET, member, {
      graceMs: environment.presenceGraceMs,
      key: `${identity}-${connectionNumber}`,
      replaces: this.#keysFrom(replaces),
    });
  }
}
