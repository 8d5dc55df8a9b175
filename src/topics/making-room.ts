import { BrokerError } from "../errors/index.ts";
import type { Broker } from "./broker.ts";

/**
 * Wraps a broker: when it rejects with `TOPICS_FULL`, makes room and tries once more.
 *
 * @param makeRoom stops listening to unused topics; returns false if there are none
 */
export function makingRoom(broker: Broker, makeRoom: () => boolean): Broker {
  async function call<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      const isFull = error instanceof BrokerError && error.code === "TOPICS_FULL";
      if (!isFull || !makeRoom()) throw error;
      return action();
    }
  }
  return {
    publish: (...args) => call(() => broker.publish(...args)),
    history: (...args) => call(() => broker.history(...args)),
    subscribe: (...args) => call(() => broker.subscribe(...args)),
    enter: (...args) => call(() => broker.enter(...args)),
    leave: (...args) => broker.leave(...args),
    members: (...args) => broker.members(...args),
    close: () => broker.close(),
  };
}
