import {
  type ChannelMember,
  type ChannelPresence,
  type ChannelTopic,
  connect,
  type PublicationsLost,
} from "tideway/channels";
import type { ChannelClientDriver, ChannelClientOptions, DriverLoss } from "tideway/testing";

type Client = ReturnType<typeof connect>;

type Topic = ChannelTopic<unknown, unknown> & ChannelPresence<unknown>;

type Message = DriverLoss | { readonly data: unknown; readonly position?: string };

/** The driver of the conformance kit for the client of this package. */
export function openDriver({
  url,
  auth,
  creditBytes,
  network,
}: ChannelClientOptions): ChannelClientDriver {
  const options = { auth, creditBytes, initialDelayMs: 10, maxDelayMs: 100 };
  const client: Client =
    network === undefined ? connect(url, options) : network.connect({}, url, options);
  const topic = (name: string): Topic => client.topic(name as never);
  return {
    publish: (name, data, given) => topic(name).publish(data, given),
    history: (name, given) => topic(name).history(given),
    call: (name, ...values) =>
      (client.call as (...all: unknown[]) => Promise<unknown>)(name, ...values),
    messages: (name, start) => new Messages(topic(name), start),
    stream: (name, input) => client.stream(name, input as never),
    members: (name) => listsOf(topic(name)),
    enter: (name) => topic(name).enter(),
    leave: (name) => topic(name).leave(),
    close: () => client.close(),
  };
}

async function* listsOf(topic: Topic): AsyncGenerator<readonly ChannelMember<unknown>[]> {
  for await (const { members } of topic.onMembersChange) yield members;
}

/** The messages of a topic, in which a loss is an item. */
class Messages implements AsyncIterator<Message> {
  readonly #messages: AsyncIterator<{ readonly data: unknown; readonly position?: string }>;
  readonly #results: Promise<IteratorResult<Message>>[] = [];
  readonly #waiting: ((result: Promise<IteratorResult<Message>>) => void)[] = [];
  #isReading = false;

  constructor(topic: Topic, start: { readonly last?: number; readonly since?: string } = {}) {
    const onLost = ({ reason, position }: PublicationsLost): void =>
      this.#add(Promise.resolve({ done: false, value: { lost: { reason, position } } }));
    this.#messages = topic.messages({ ...start, onLost });
  }

  next(): Promise<IteratorResult<Message>> {
    const result = this.#results.shift();
    if (result !== undefined) return result;
    // A loss may arrive while the message is asked for.
    const next = new Promise<IteratorResult<Message>>((resolve) => this.#waiting.push(resolve));
    this.#read();
    return next;
  }

  async return(): Promise<IteratorResult<Message>> {
    return (await this.#messages.return?.()) ?? { done: true, value: undefined };
  }

  /** Asks for the next message. A loss before it arrives earlier. */
  #read(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    const next = this.#messages.next();
    const add = (): void => {
      this.#isReading = false;
      this.#add(next);
    };
    next.then(add, add);
  }

  #add(result: Promise<IteratorResult<Message>>): void {
    const resolve = this.#waiting.shift();
    if (resolve === undefined) this.#results.push(result);
    else resolve(result);
  }
}
