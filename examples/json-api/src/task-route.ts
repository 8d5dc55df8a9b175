import type { TypedSocket } from "tideway/server";
import { ServerMessage, type Task, TaskRequest } from "./messages.ts";

type TaskSocket = TypedSocket<TaskRequest, ServerMessage>;

/** The tasks of this process, and the sockets that get every change. */
export class TaskList {
  readonly #tasks: Task[] = [];
  readonly #sockets = new Set<TaskSocket>();

  /** A `ws:` route. Its handler gets requests that are already validated, and may send only `ServerMessage`. */
  readonly route = {
    schema: { receive: TaskRequest, send: ServerMessage },
    handle: (socket: TaskSocket): Promise<void> => this.#serve(socket),
  };

  async #serve(socket: TaskSocket): Promise<void> {
    this.#sockets.add(socket);
    try {
      // An invalid message ends the loop and closes the connection with 1007.
      for await (const request of socket) socket.send(this.#answer(request));
    } finally {
      this.#sockets.delete(socket);
    }
  }

  #answer(request: TaskRequest): ServerMessage {
    const { id } = request;
    switch (request.type) {
      case "list":
        return { type: "tasks", id, tasks: this.#tasks };
      case "add": {
        const task = { id: this.#tasks.length + 1, title: request.title, isDone: false };
        this.#tasks.push(task);
        this.#announce(task);
        return { type: "task", id, task };
      }
      case "complete": {
        const task = this.#tasks.find(({ id: taskId }) => taskId === request.taskId);
        if (task === undefined) {
          return { type: "error", id, message: `There is no task ${request.taskId}.` };
        }
        task.isDone = true;
        this.#announce(task);
        return { type: "task", id, task };
      }
    }
  }

  #announce(task: Task): void {
    for (const socket of this.#sockets) socket.send({ type: "changed", task });
  }
}
