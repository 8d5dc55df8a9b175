import type { StandardSchema } from "tideway/server";
import { defineContract } from "tideway/channels";

/** A schema of a type that accepts each value. */
function schema<T>(): StandardSchema<T> {
  const validate = (value: unknown) => ({ value: value as T });
  return { "~standard": { version: 1, vendor: "test", validate } };
}

/** The contract of the page in `page-program.ts`. */
export const contract = defineContract({
  topics: { "rooms/:room": { message: schema<string>(), member: schema<{ name: string }>() } },
  calls: {
    add: { input: schema<{ a: number; b: number }>(), output: schema<number>() },
    count: { input: schema<{ to: number }>(), item: schema<number>() },
  },
});
