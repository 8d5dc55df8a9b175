import type { TopicSocket } from "./topic-socket.ts";

/** Who waits for the end of which socket: a socket may come and go on topics for a long time. */
const waiting = new WeakMap<TopicSocket, Set<() => void>>();

/** Calls back once, when `socket` is done, unless the function that is returned is called first. */
export function onEnd(socket: TopicSocket, callback: () => void): () => void {
  const callbacks = waiting.get(socket) ?? watch(socket);
  // As a function of its own, so that one may be added twice.
  const call = (): void => callback();
  callbacks.add(call);
  return () => callbacks.delete(call);
}

function watch(socket: TopicSocket): Set<() => void> {
  const callbacks = new Set<() => void>();
  waiting.set(socket, callbacks);
  const tell = (): void => {
    // For a socket that is done, the next to ask is told by a watch of its own.
    waiting.delete(socket);
    for (const call of callbacks) call();
  };
  socket.done.then(tell, tell);
  return callbacks;
}
