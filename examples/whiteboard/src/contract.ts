import { defineContract } from "tideway/channels";
import { z } from "zod";

/** The board has 1,200 by 900 points, on every screen. */
const Point = z.tuple([z.int().min(0).max(1_200), z.int().min(0).max(900)]);

/** A part of a stroke: a page publishes a stroke while the user draws it. */
const Segment = z.object({
  type: z.literal("segment"),
  stroke: z.string().min(1).max(36),
  points: z.array(Point).max(500),
  isLast: z.boolean(),
});
const Clear = z.object({ type: z.literal("clear") });
/** The server adds it: the id of a member. */
const author = { author: z.string() };

export const contract = defineContract({
  topics: {
    "boards/:board": {
      publish: z.discriminatedUnion("type", [Segment, Clear]),
      message: z.discriminatedUnion("type", [Segment.extend(author), Clear.extend(author)]),
      member: z.object({ name: z.string() }),
    },
    // Without `at`, the pointer has left the board.
    "cursors/:board": {
      publish: z.object({ at: Point.optional() }),
      message: z.object({ at: Point.optional(), author: z.string(), name: z.string() }),
      isVolatile: true,
    },
  },
});
