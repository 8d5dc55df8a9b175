import { bytes, defineContract } from "tideway/channels";
import type { StandardSchema } from "tideway/server";

const text: StandardSchema<string, string> = {
  "~standard": {
    version: 1,
    vendor: "crash",
    validate: (value) =>
      typeof value === "string" ? { value } : { issues: [{ message: "must be a string" }] },
  },
};

/** The contract of the crash tests: topics of text, and topics of bytes. */
export const contract = defineContract({
  topics: {
    "texts/:topic": { message: text },
    "bytes/:topic": { message: bytes() },
  },
});
