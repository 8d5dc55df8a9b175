import { defineContract } from "tideway/channels";
import type { StandardSchema } from "tideway/server";

const number: StandardSchema<number, number> = {
  "~standard": {
    version: 1,
    vendor: "runtimes",
    validate: (value) =>
      typeof value === "number" ? { value } : { issues: [{ message: "must be a number" }] },
  },
};

/** The contract between a client and a server of different runtimes. */
export const contract = defineContract({
  topics: { "numbers/:name": { message: number } },
  calls: { double: { input: number, output: number } },
});
