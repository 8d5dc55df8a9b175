import type { StandardSchema } from "../../schema/standard-schema.ts";
import type { Contract } from "../contract/contract.ts";
import { ChannelError } from "../wire/channel-error.ts";
import type { CallOptions, ChannelCall, ChannelStream, StreamOptions } from "./call-interface.ts";
import { toCall } from "./channel-call.ts";
import type {
  ChannelMessage,
  ChannelTopic,
  ChannelHistoryOptions,
  MessagesOptions,
} from "./topic-interface.ts";

/** Validates a value of the server. */
type Convert = (value: unknown) => Promise<unknown>;

type Topic = ChannelTopic<unknown, unknown>;

/** The methods of a client that return data of the server. */
export interface DataClient {
  topic(pattern: string, params?: Record<string, string>): Topic;
  call(name: string, input: unknown, options?: CallOptions): ChannelCall<unknown>;
  stream(name: string, input: unknown, options?: StreamOptions): ChannelStream<unknown>;
}

/** Replaces the methods of a client that return data of the server: they validate it by the schemas of a contract. */
export function validateReceived(client: DataClient, { topics, calls }: Contract): void {
  const original = { ...client };
  client.topic = (pattern, params) => {
    const convert = validator(topics?.[pattern]?.message);
    return validatedTopic(original.topic(pattern, params), convert);
  };
  client.call = (name, ...args) =>
    toCall(original.call(name, ...args).then(validator(calls?.[name]?.output)));
  client.stream = (name, ...args) =>
    converted(original.stream(name, ...args), validator(calls?.[name]?.item));
}

function validator(schema: StandardSchema | undefined): Convert {
  return async (value) => {
    if (schema === undefined) return value;
    const result = await schema["~standard"].validate(value);
    if (result.issues === undefined) return result.value;
    const { issues } = result;
    throw new ChannelError(
      "INVALID_DATA",
      `a value of the server does not match its schema: ${issues[0]?.message}`,
      { issues },
    );
  };
}

function validatedTopic(topic: Topic, convert: Convert): Topic {
  const original = { ...topic };
  const convertMessage = async (message: unknown): Promise<ChannelMessage<unknown>> => {
    const { data, ...others } = message as ChannelMessage<unknown>;
    return { ...others, data: await convert(data) };
  };
  return Object.assign(topic, {
    messages: (options?: MessagesOptions) => converted(original.messages(options), convertMessage),
    async history(options?: ChannelHistoryOptions) {
      const page = await original.history(options);
      return { ...page, messages: await Promise.all(page.messages.map(convertMessage)) };
    },
  });
}

/** Iterates over converted values. A value that cannot be converted ends the iteration with its error. */
function converted(
  iterator: AsyncIterableIterator<unknown, undefined, undefined>,
  convert: Convert,
): ChannelStream<never> {
  const end = async (): Promise<IteratorReturnResult<undefined>> => {
    await iterator.return?.();
    return { done: true, value: undefined };
  };
  return {
    async next() {
      const result = await iterator.next();
      if (result.done === true) return result;
      try {
        return { done: false, value: (await convert(result.value)) as never };
      } catch (error) {
        await end();
        throw error;
      }
    },
    return: end,
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
