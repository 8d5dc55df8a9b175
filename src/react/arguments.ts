import type { ParamsArguments } from "tideway/channels";

/** The arguments after the pattern of a topic: its params, if it has any, and the options of the hook. */
export type TopicArguments<Pattern extends string, Options> =
  ParamsArguments<Pattern> extends readonly [infer Params]
    ? [params: Params, options?: Options]
    : [params?: { readonly [name: string]: string }, options?: Options];
