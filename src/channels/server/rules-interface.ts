import type {
  Contract,
  DraftOf,
  MemberInputOf,
  MessageInputOf,
  TopicOf,
  TopicParams,
  TopicPatternOf,
} from "tideway/channels";
import type { Refusal } from "./refusals.ts";
import type { ChannelSession } from "./session-interface.ts";

/** The argument of a rule. */
export interface RuleContext<Params, State> {
  /** The decoded params of the topic's name. */
  readonly params: Params;
  /** The state that `authorize` returned. */
  readonly state: State;
  /** The name of the topic. */
  readonly topic: string;
  /** The session of the client. */
  readonly session: ChannelSession<State>;
}

/** The argument of a `publish` rule. */
export interface PublishContext<Params, State, Draft> extends RuleContext<Params, State> {
  /** The draft that the client publishes: a valid value, as the schema of the contract returned it. */
  readonly draft: Draft;
}

/** A value, or a promise of it. */
export type MaybePromise<T> = T | PromiseLike<T>;

/** A result that denies a request. */
export type Denial = false | Refusal | null | undefined;

/** The rules of the topics of one pattern. A missing rule denies. */
export interface TopicRules<Params, State, Draft, Message, Member> {
  /**
   * Decides whether a client may subscribe, read the history, and watch the members. Only `true` allows.
   * It runs again with `recheck`, and after the client has sent fresh credentials.
   */
  readonly subscribe?:
    | boolean
    | ((context: RuleContext<Params, State>) => MaybePromise<true | Denial>);
  /**
   * Decides whether a client may publish a draft, and returns the message to store. `true` stores the draft
   * itself. Any other value that is not an object denies. The schema `message` validates the result.
   */
  readonly publish?:
    | (Draft extends Message ? boolean : false)
    | ((
        context: PublishContext<Params, State, Draft>,
      ) => MaybePromise<AllowingObject<Message> | (Draft extends Message ? true : never) | Denial>);
  /**
   * Decides whether a client may enter, and returns the member. The schema `member` validates its data. Only
   * for topics with `member` in the contract.
   */
  readonly enter?: (
    context: RuleContext<Params, State>,
  ) => MaybePromise<EnteringMember<Member> | Denial>;
}

/** The part of a type that allows a request: a primitive value never does, except for `true`. */
export type AllowingObject<T> = unknown extends T ? object : Extract<T, object>;

/** The member that an `enter` rule returns. `Data` is `never` for a topic without members. */
export type EnteringMember<Data> = [Data] extends [never]
  ? never
  : undefined extends Data
    ? { readonly id: string; readonly data?: Data }
    : { readonly id: string; readonly data: Data };

/** The option `rules`: the rules of the topics of a contract, by pattern. */
export type Rules<C extends Contract, State> = {
  readonly [Pattern in TopicPatternOf<C>]?: TopicRules<
    TopicParams<Pattern>,
    State,
    DraftOf<TopicOf<C, Pattern>>,
    MessageInputOf<TopicOf<C, Pattern>>,
    TopicOf<C, Pattern> extends { readonly member: unknown }
      ? MemberInputOf<TopicOf<C, Pattern>>
      : never
  >;
};
