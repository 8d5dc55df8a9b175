import type { StandardSchema } from "../../schema/standard-schema.ts";
import type { TopicParamName } from "../../topic-names/topic-pattern.ts";
import type { Contract } from "./contract.ts";
import type { InputOf, OutputOf } from "./schema-types.ts";

/** The contract of a client without one: any topic and any call, with data of the type `unknown`. */
export interface AnyContract {
  readonly topics: {
    readonly [pattern: string]: {
      readonly message: StandardSchema;
      readonly member: StandardSchema;
    };
  };
  readonly calls: {
    readonly [name: string]: {
      readonly input: StandardSchema;
      readonly output: StandardSchema;
      readonly errors: { readonly [name: string]: StandardSchema };
    };
  };
}

/** The topics of a contract, by their patterns. */
export type TopicsOf<C extends Contract> = C extends { readonly topics?: infer Topics }
  ? Topics extends object
    ? Topics
    : {}
  : {};

/** The calls and streams of a contract, by name. */
export type CallsOf<C extends Contract> = C extends { readonly calls?: infer Calls }
  ? Calls extends object
    ? Calls
    : {}
  : {};

/** The patterns of the topics of a contract. */
export type TopicPatternOf<C extends Contract> = keyof TopicsOf<C> & string;

/** The names of the calls of a contract, without its streams. Any name, for {@link AnyContract}. */
export type CallNameOf<C extends Contract> = {
  [Name in keyof CallsOf<C>]: CallsOf<C>[Name] extends { readonly item: unknown } ? never : Name;
}[keyof CallsOf<C>] &
  string;

/** The names of the streams of a contract. Any name, for {@link AnyContract}. */
export type StreamNameOf<C extends Contract> = string extends keyof CallsOf<C>
  ? string
  : {
      [Name in keyof CallsOf<C>]: CallsOf<C>[Name] extends { readonly item: unknown }
        ? Name
        : never;
    }[keyof CallsOf<C>] &
      string;

/** The topic of a contract with a pattern. */
export type TopicOf<C extends Contract, Pattern> = Pattern extends keyof TopicsOf<C>
  ? TopicsOf<C>[Pattern]
  : never;

/** The call or stream of a contract with a name. */
export type CallOf<C extends Contract, Name> = Name extends keyof CallsOf<C>
  ? CallsOf<C>[Name]
  : never;

/** The schema of the drafts of a topic: `publish`, or `message` without it. */
export type PublishSchemaOf<Topic> = Topic extends { readonly publish: infer Schema }
  ? Schema
  : PropertyOf<Topic, "message">;

/** The drafts that a client may publish. */
export type PublishDataOf<Topic> = InputOf<PublishSchemaOf<Topic>>;

/** A valid draft, as its schema returns it. */
export type DraftOf<Topic> = OutputOf<PublishSchemaOf<Topic>>;

/** The messages that a server may publish. */
export type MessageInputOf<Topic> = InputOf<PropertyOf<Topic, "message">>;

/** The messages that subscribers get. */
export type MessageOf<Topic> = OutputOf<PropertyOf<Topic, "message">>;

/** The data with which a server lets a client enter. */
export type MemberInputOf<Topic> = InputOf<PropertyOf<Topic, "member">>;

/** The data of a member, as clients get it. */
export type MemberDataOf<Topic> = OutputOf<PropertyOf<Topic, "member">>;

/** The input that a client passes; `undefined` for a call without input. */
export type CallInputOf<Call> = Call extends { readonly input: infer Schema }
  ? InputOf<Schema>
  : undefined;

/** The input that a handler gets; `undefined` for a call without input. */
export type HandlerInputOf<Call> = Call extends { readonly input: infer Schema }
  ? OutputOf<Schema>
  : undefined;

/** The output of a call, for its handler and for clients; `undefined` for a call without output. */
export type CallOutputOf<Call> = Call extends { readonly output: infer Schema }
  ? OutputOf<Schema>
  : undefined;

/** The items of a stream, for its handler and for clients. */
export type ItemOf<Call> = Call extends { readonly item: infer Schema }
  ? OutputOf<Schema>
  : unknown;

/** The declared errors of a call, from their names to their schemas. */
export type ErrorsOf<Call> = Call extends { readonly errors: infer Errors } ? Errors : {};

/** The arguments after a pattern: its params. There are none for a pattern without params. */
export type ParamsArguments<Pattern extends string> = ParamsOfNames<TopicParamName<Pattern>>;

/** {@link ParamsArguments}, by the names of the params. */
export type ParamsOfNames<Name extends string> = [Name] extends [never]
  ? []
  : string extends Name
    ? [params?: { readonly [name: string]: string }]
    : [params: { readonly [Key in Name]: string }];

/** The arguments after the name of a call: its input and options. The input is optional if it may be absent. */
export type InputArguments<Input, Options> = undefined extends Input
  ? [input?: Input, options?: Options]
  : [input: Input, options?: Options];

/** The type of a property; `never` if the type does not have it. */
export type PropertyOf<T, Key extends string> = T extends { readonly [K in Key]: infer Value }
  ? Value
  : never;
