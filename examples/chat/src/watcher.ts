import type { TopicSocket } from "tideway/topics";

/** A subscriber inside this process: calls back whenever a socket would be sent something. */
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
