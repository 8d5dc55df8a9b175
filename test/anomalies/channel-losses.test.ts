import * as fc from "fast-check";
import { bytes, defineContract } from "tideway/channels";
import { channels, type Channels, resumable } from "tideway/channels/server";
import { BrokerError, MemoryBroker, Topics } from "tideway/topics";
import { createHash } from "node:crypto";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { startStream } from "../../src/channels/client/start-stream.ts";
import { createTopic } from "../../src/channels/client/channel-topic.ts";
import { ChannelError } from "../../src/channels/wire/channel-error.ts";
import { subscribe, type SubscriptionValue } from "../../src/channels/wire/client-subscription.ts";
import type { FlowReader } from "../../src/channels/wire/credit-flow.ts";
import { call, SessionPeer } from "../channels/wire/session-peer.ts";
import { anything } from "../channels/server/support.ts";
import { ChannelLink, jobs } from "./channel-link.ts";

const contract = defineContract({
  topics: {
    "rooms/:room": { message: anything, member: anything },
    "files/:room": { message: bytes() },
  },
  calls: {
    plain: { input: anything, output: anything },
    place: { input: anything, output: anything, isIdempotent: true },
    numbers: { item: anything },
    lines: { item: anything, isResumable: true },
  },
} as never);

/** How many items each stream has. */
const ITEMS = 12;

/** The fate of one publish at the broker: it takes some turns, and may fail before or after it is stored. */
interface Fate {
  readonly turns: number;
  readonly fails: "never" | "before" | "after";
}

class FatefulBroker extends MemoryBroker {
  readonly #fates: Fate[];

  constructor(fates: readonly Fate[]) {
    super();
    this.#fates = [...fates];
  }

  override async publish(...args: Parameters<MemoryBroker["publish"]>) {
    const { turns, fails } = this.#fates.shift() ?? { turns: 0, fails: "never" };
    for (let left = turns; left > 0; left--) await jobs();
    if (fails === "before") throw new BrokerError("BROKER_REFUSED", "not stored");
    const receipt = await super.publish(...args);
    if (fails === "after") throw new BrokerError("BROKER_REFUSED", "stored");
    return receipt;
  }
}

/** How a promise of a client has settled. */
interface Outcome {
  state: "pending" | "fulfilled" | "rejected";
  value?: unknown;
  error?: ChannelError;
}

function follow(promise: Promise<unknown>): Outcome {
  const outcome: Outcome = { state: "pending" };
  promise.then(
    (value) => Object.assign(outcome, { state: "fulfilled", value }),
    (error: unknown) => Object.assign(outcome, { state: "rejected", error }),
  );
  return outcome;
}

/** One client, and two servers that share a broker. The connection changes from one to the other. */
class World {
  readonly broker: FatefulBroker;
  readonly #topics: readonly Topics[];
  readonly #apis: readonly Channels<never, never>[];
  readonly #peer: SessionPeer;
  #link: ChannelLink | undefined;
  #connections = 0;
  /** The publishes of the application, in order. */
  readonly published: Outcome[] = [];
  readonly reader: FlowReader<SubscriptionValue>;
  readonly seen: SubscriptionValue[] = [];
  readonly calls: { readonly name: "plain" | "place"; readonly outcome: Outcome }[] = [];
  readonly streams: {
    readonly name: "numbers" | "lines";
    readonly reader: FlowReader<unknown>;
    readonly items: unknown[];
    /** How it ended. */
    end?: { readonly error: Error | undefined };
    /** Whether a connection was lost before its end. */
    wasCut: boolean;
  }[] = [];
  readonly presence: { readonly name: "enter" | "leave"; readonly outcome: Outcome }[] = [];
  /** The ids that the handlers got, by the inputs. */
  readonly handled = new Map<unknown, string[]>();
  readonly memberEvents: string[] = [];
  /** Whether a request of presence was lost with its connection. The member then stays for the grace period. */
  isPresenceUncertain = false;
  #outside = 0;

  constructor(fates: readonly Fate[]) {
    this.broker = new FatefulBroker(fates);
    this.#topics = [0, 1].map(() => new Topics({ broker: this.broker, onError: () => {} }));
    this.#apis = this.#topics.map((topics) => this.#createApi(topics));
    this.#peer = new SessionPeer({
      creditBytes: 60,
      send: (message) => this.#link?.send(message),
    });
    this.reader = subscribe(this.#peer.session, "rooms/a", { since: undefined, last: 0 });
  }

  async watch(): Promise<void> {
    await this.#topics[0]
      .topic("rooms/a")
      .watchMembers(({ type, member: { id } }) => this.memberEvents.push(`${type} ${id}`));
  }

  connect(): void {
    this.#connections++;
    this.#link = new ChannelLink(this.#apis[this.#connections % 2], this.#peer.session);
    this.#peer.session.hello({});
  }

  lose(): void {
    for (const stream of this.streams) stream.wasCut ||= stream.end === undefined;
    this.isPresenceUncertain ||= this.#link?.isPresenceUncertain === true;
    this.#link?.lose();
    this.#link = undefined;
  }

  get isConnected(): boolean {
    return this.#link !== undefined && !this.#link.isOver;
  }

  async deliver(where: "toServer" | "toClient", count: number): Promise<void> {
    if (where === "toServer") await this.#link?.deliverToServer(count);
    else await this.#link?.deliverToClient(count);
  }

  get isOnItsWay(): boolean {
    return this.#link!.toServer.length + this.#link!.toClient.length > 0;
  }

  act(action: Action): void {
    const { session } = this.#peer;
    const topic = createTopic(session, "rooms/a");
    const number = this.published.length + 1;
    const input = this.calls.length + 1;
    if (action === "publish") this.published.push(follow(topic.publish(number)));
    else if (action === "refused") this.published.push(follow(topic.publish(-number)));
    else if (action === "outside") this.#publishOutside();
    else if (action === "plain" || action === "place") {
      this.calls.push({ name: action, outcome: follow(call(this.#peer, action, input)) });
    } else if (action === "numbers" || action === "lines") {
      const reader = startStream(session, action, undefined, undefined);
      this.streams.push({ name: action, reader, items: [], wasCut: !this.isConnected });
    } else if (action === "enter" || action === "leave") {
      // A client that leaves without a connection stays a member for the grace period.
      this.isPresenceUncertain ||= action === "leave" && session.isOpen !== true;
      this.presence.push({ name: action, outcome: follow(topic[action]()) });
    }
  }

  /** The application takes items. */
  take(count: number): void {
    for (let left = count; left > 0; left--) {
      const entry = this.reader.take();
      if (entry !== undefined && !entry.isEnd) this.seen.push(entry.value!);
      for (const stream of this.streams) {
        const next = stream.end === undefined ? stream.reader.take() : undefined;
        if (next?.isEnd) stream.end = { error: next.value as Error };
        else if (next !== undefined) stream.items.push(next.value);
      }
    }
  }

  /** Delivers and takes everything, on as many connections as it needs. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 8;) {
      if (!this.isConnected) this.connect();
      await this.#peer.time.advance(5_000);
      const before = this.seen.length + this.streams.flatMap(({ items }) => items).length;
      const isQuiet = !this.isOnItsWay;
      await this.deliver("toServer", 50);
      await this.deliver("toClient", 50);
      this.take(50);
      await jobs();
      const after = this.seen.length + this.streams.flatMap(({ items }) => items).length;
      quiet = isQuiet && before === after ? quiet + 1 : 0;
    }
  }

  /** The publications of the topic, in order. */
  async stored(): Promise<unknown[]> {
    const { publications } = await this.#topics[0].topic("rooms/a").history();
    return publications.map(({ data }) => JSON.parse(data as string) as unknown);
  }

  async close(): Promise<void> {
    this.#peer.session.end(new ChannelError("CLIENT_CLOSED"));
    await this.#link?.close();
    for (let turn = 0; turn < 8; turn++) await jobs();
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#topics.map((topics) => topics.close()));
  }

  #publishOutside(): void {
    const data = `outside ${++this.#outside}`;
    void this.#topics[this.#outside % 2]
      .topic("rooms/a")
      .publish(JSON.stringify(data))
      .catch(() => {});
  }

  #record(input: unknown, id: string): void {
    this.handled.set(input, [...(this.handled.get(input) ?? []), id]);
  }

  #createApi(topics: Topics): Channels<never, never> {
    const options = {
      topics,
      authorize: async () => ({ state: { name: "ann" } }),
      presenceGraceMs: 600_000,
      rules: {
        "rooms/:room": {
          subscribe: async () => true,
          publish: async ({ draft }: { draft: unknown }) => typeof draft === "number" && draft > 0,
          enter: async () => ({ id: "ann" }),
        },
      },
      onError: () => {},
      calls: {
        plain: async (input: unknown) => this.#record(input, "plain"),
        place: async (input: unknown, { id }: { id: string }) => this.#record(input, id),
        numbers: async function* () {
          for (let item = 1; item <= ITEMS; item++) yield item;
        },
        lines: async function* (_: unknown, { lastId = "0" }: { lastId?: string }) {
          for (let item = Number(lastId) + 1; item <= ITEMS; item++)
            yield resumable(`${item}`, item);
        },
      },
    };
    return channels(contract, options as never) as never;
  }
}

type Action =
  | "publish"
  | "refused"
  | "outside"
  | "plain"
  | "place"
  | "numbers"
  | "lines"
  | "enter"
  | "leave";

const ACTIONS: Readonly<Record<string, readonly Action[]>> = {
  subscriptions: ["outside"],
  publishes: ["publish", "publish", "publish", "refused"],
  calls: ["plain", "place"],
  streams: ["numbers", "lines"],
  presence: ["enter", "leave"],
  "everything together": [
    "publish",
    "publish",
    "refused",
    "outside",
    "outside",
    "plain",
    "place",
    "numbers",
    "lines",
    "enter",
    "leave",
  ],
};

type Step =
  | { readonly act: Action }
  | { readonly toServer: number }
  | { readonly toClient: number }
  | { readonly take: number }
  | { readonly lose: true };

const count = fc.integer({ min: 1, max: 4 });

function stepOf(actions: readonly Action[]): fc.Arbitrary<Step> {
  return fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...actions).map((act) => ({ act })) },
    { weight: 3, arbitrary: count.map((toServer) => ({ toServer })) },
    { weight: 3, arbitrary: count.map((toClient) => ({ toClient })) },
    { weight: 1, arbitrary: count.map((take) => ({ take })) },
  );
}

/** The steps on one connection: actions, how many frames arrive, any other steps, and its loss. */
function connectionOf(actions: readonly Action[]): fc.Arbitrary<Step[]> {
  return fc
    .record({
      acts: fc.array(fc.constantFrom(...actions), { maxLength: 4 }),
      toServer: fc.nat(6),
      toClient: fc.nat(6),
      others: fc.array(stepOf(actions), { maxLength: 6 }),
    })
    .map(({ acts, toServer, toClient, others }) => [
      ...acts.map((act) => ({ act })),
      { toServer },
      { toClient },
      ...others,
      { lose: true },
    ]);
}

/** Most publishes take no time, so that one fails before the next one arrives. */
const fate: fc.Arbitrary<Fate> = fc.record({
  turns: fc.constantFrom(0, 0, 0, 1, 3, 6),
  fails: fc.constantFrom("never", "never", "before", "after"),
});

async function run(steps: readonly Step[], fates: readonly Fate[]): Promise<World> {
  const world = new World(fates);
  await world.watch();
  world.connect();
  // Subscriptions count from the answer of the server.
  while (world.isOnItsWay) {
    await world.deliver("toServer", 1);
    await world.deliver("toClient", 1);
    await jobs();
  }
  for (const one of steps) {
    if ("act" in one) world.act(one.act);
    else if ("take" in one) world.take(one.take);
    else if ("lose" in one) world.lose();
    else if ("toServer" in one) await world.deliver("toServer", one.toServer);
    else await world.deliver("toClient", one.toClient);
    if (!world.isConnected) world.connect();
    await jobs();
  }
  await world.settle();
  return world;
}

function checkSubscription(world: World, stored: readonly unknown[]): void {
  // Nothing was lost, because the history keeps everything.
  expect(world.seen.map((value) => (value as { data?: unknown }).data)).toEqual(stored);
  const offsets = world.seen.map((value) => (value as { position: string }).position.split(":")[1]);
  expect(offsets).toEqual(stored.map((_, index) => `${index + 1}`));
}

function checkPublishes(world: World, stored: readonly unknown[]): void {
  const numbers = stored.filter((data) => typeof data === "number");
  expect(new Set(numbers).size).toBe(numbers.length);
  const acknowledged: number[] = [];
  for (const [index, { state, value, error }] of world.published.entries()) {
    const number = index + 1;
    if (state === "fulfilled") {
      const { position } = value as { position: string };
      expect(stored[Number(position.split(":")[1]) - 1]).toBe(number);
      acknowledged.push(number);
    } else {
      expect(state).toBe("rejected");
      expect(error!.mayBeStored).toBeTypeOf("boolean");
      if (error!.mayBeStored === false) expect(numbers).not.toContain(number);
    }
  }
  // A publish that failed and may be stored may be anywhere.
  expect(numbers.filter((number) => acknowledged.includes(number))).toEqual(acknowledged);
}

function checkCalls({ calls, handled }: World): void {
  const ids: string[] = [];
  for (const [index, { name, outcome }] of calls.entries()) {
    const runs = handled.get(index + 1) ?? [];
    if (name === "plain") {
      expect(runs.length).toBeLessThanOrEqual(1);
      if (outcome.state === "fulfilled") expect(runs).toHaveLength(1);
      else expect(outcome).toMatchObject({ error: { code: "CONNECTION_LOST" } });
    } else {
      expect(outcome.state).toBe("fulfilled");
      expect(new Set(runs).size).toBe(1);
      ids.push(runs[0]);
    }
  }
  expect(new Set(ids).size).toBe(ids.length);
}

function checkStreams({ streams }: World): void {
  const all = Array.from({ length: ITEMS }, (_, index) => index + 1);
  for (const { name, items, end, wasCut } of streams) {
    expect(items).toEqual(all.slice(0, items.length));
    if (name === "lines" || !wasCut) {
      expect({ items, end }).toEqual({ items: all, end: { error: undefined } });
    } else if (end?.error !== undefined) {
      expect(end.error).toMatchObject({ code: "CONNECTION_LOST" });
    } else expect({ items, end }).toEqual({ items: all, end: { error: undefined } });
  }
}

/** One member throughout: it joins with the first enter, and leaves only if the client does. */
function checkPresence({ presence, memberEvents, isPresenceUncertain }: World): void {
  const isMember = memberEvents.at(-1) === "join ann";
  if (presence.at(-1)?.name === "enter") expect(isMember).toBe(true);
  else if (!isPresenceUncertain) expect(isMember).toBe(false);
  for (const [index, event] of memberEvents.entries()) {
    expect(event).toBe(index % 2 === 0 ? "join ann" : "leave ann");
  }
  const leaves = presence.filter(({ name }) => name === "leave").length;
  expect(memberEvents.filter((event) => event === "leave ann").length).toBeLessThanOrEqual(leaves);
  for (const { outcome } of presence) expect(outcome.state).not.toBe("pending");
}

beforeEach(() => {
  // The real digest takes a thread, and so a different number of turns each time.
  const digest = vi.spyOn(crypto.subtle, "digest");
  digest.mockImplementation(
    async (_, data) =>
      new Uint8Array(
        createHash("sha256")
          .update(data as Uint8Array)
          .digest(),
      ).buffer,
  );
  return () => digest.mockRestore();
});

describe("the guarantees hold, even if the connection is lost at any frame", () => {
  it.each(Object.entries(ACTIONS))("of %s", async (_, actions) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(connectionOf(actions), { minLength: 1, maxLength: 6 }),
        fc.array(fate, { maxLength: 20 }),
        async (connections, fates) => {
          const world = await run(connections.flat(), fates);
          try {
            const stored = await world.stored();
            checkSubscription(world, stored);
            checkPublishes(world, stored);
            checkCalls(world);
            checkStreams(world);
            checkPresence(world);
            await world.close();
            if (!world.isPresenceUncertain) expect(world.memberEvents.at(-1)).not.toBe("join ann");
          } finally {
            await world.dispose();
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});
