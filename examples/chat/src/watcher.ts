import type { TopicSocket } from "tideway/topics";

/** A subscriber inside this process: calls back for each message that a socket would get. */
export function watcher(onMessage: () => void): TopicSocket {
  return {
    readyState: 1,
    bufferedAmount: 0,
    done: new Promise(() => {}),
    drained: Promise.resolve(),
    send() {
      onMessage();
      return true;
    },
    close() {},
  };
}
