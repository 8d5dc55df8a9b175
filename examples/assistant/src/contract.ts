import { defineContract } from "tideway/channels";
import { z } from "zod";

const Id = z.string().regex(/^[\w-]{1,64}$/);
const Question = z.object({ conversation: Id, id: Id, text: z.string().trim().min(1).max(500) });

/** A question, and its answer token by token. All have the id of the question. */
const Message = z.discriminatedUnion("type", [
  z.object({ type: z.literal("question"), id: Id, text: z.string() }),
  z.object({ type: z.literal("token"), id: Id, text: z.string() }),
  z.object({ type: z.literal("end"), id: Id, isStopped: z.boolean() }),
]);

export type Question = z.infer<typeof Question>;
export type Message = z.infer<typeof Message>;

export const contract = defineContract({
  topics: {
    "conversations/:conversation": { message: Message },
    // The tasks of the worker.
    tasks: {
      message: z.discriminatedUnion("type", [
        Question.extend({ type: z.literal("answer") }),
        z.object({ type: z.literal("stop"), id: Id }),
      ]),
    },
  },
  calls: {
    ask: { input: Question.omit({ id: true }), isIdempotent: true },
    stop: { input: Question.omit({ text: true }), isIdempotent: true },
    about: {
      output: z.object({
        isInMemory: z.boolean(),
        servers: z.array(z.string()),
        server: z.string(),
        processId: z.int(),
      }),
    },
  },
});
