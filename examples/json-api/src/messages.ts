// The messages of the API. Server and client validate the messages that they receive, and infer their types from
// these schemas.
import { z } from "zod";

const Id = z.int().nonnegative();

export const Task = z.object({ id: Id, title: z.string(), isDone: z.boolean() });

export type Task = z.infer<typeof Task>;

/** Client to server. The reply has the same `id`. */
export const TaskRequest = z.discriminatedUnion("type", [
  z.object({ type: z.literal("list"), id: Id }),
  z.object({ type: z.literal("add"), id: Id, title: z.string().trim().min(1).max(200) }),
  z.object({ type: z.literal("complete"), id: Id, taskId: Id }),
]);

export type TaskRequest = z.infer<typeof TaskRequest>;

/** Server to client: the reply to a request, or a change that any client has made. */
export const ServerMessage = z.discriminatedUnion("type", [
  z.object({ type: z.literal("tasks"), id: Id, tasks: z.array(Task) }),
  z.object({ type: z.literal("task"), id: Id, task: Task }),
  z.object({ type: z.literal("error"), id: Id, message: z.string() }),
  z.object({ type: z.literal("changed"), task: Task }),
]);

export type ServerMessage = z.infer<typeof ServerMessage>;
