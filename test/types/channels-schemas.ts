import { bytes, defineContract } from "tideway/channels";
import type { StandardSchema } from "../../src/schema/standard-schema.ts";

/** A draft that a client publishes. */
export interface Draft {
  text: string;
}

/** A message that subscribers get. */
export interface Message {
  text: string;
  from: string;
}

/** Returns a schema that accepts anything. */
export function schema<Input, Output = Input>(): StandardSchema<Input, Output> {
  const validate = (value: unknown): { value: Output } => ({ value: value as Output });
  return { "~standard": { version: 1, vendor: "test", validate } };
}

/** The contract of the type tests. Its inferred type is what the tests are about. */
export const contract = defineContract({
  topics: {
    "rooms/:room": {
      publish: schema<Draft>(),
      message: schema<Message>(),
      member: schema<{ name: string }>(),
    },
    "prices/:symbol": { message: schema<{ price: number }>() },
    "cursors/:board/:who": { message: schema<{ x: number }>(), isVolatile: true },
    "video/:id": { message: bytes() },
    news: { message: schema<string>() },
  },
  calls: {
    "math/add": {
      input: schema<{ a: number; b: number }>(),
      output: schema<{ sum: number }>(),
      errors: { overflow: schema<{ max: number }>(), gone: schema<undefined>() },
    },
    "orders/place": {
      input: schema<string, number>(),
      output: schema<{ receipt: string }>(),
      isIdempotent: true,
    },
    search: {
      input: schema<{ q: string }>(),
      item: schema<{ title: string }>(),
      errors: { busy: schema<{ load: number }>() },
    },
    answer: { input: schema<string>(), item: schema<{ token: string }>(), isResumable: true },
    ping: {},
    greet: { input: schema<string | undefined>(), output: schema<string>() },
  },
});
