import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { ListeningConnection } from "../../../src/topics/redis/redis-client.ts";
import { WatchedConnection } from "../../../src/topics/redis/redis-watched-connection.ts";

const LOST = new Error("Socket closed unexpectedly");
const REFUSED = new Error("NOPERM no permission");

const subscribe = vi.fn<ListeningConnection["subscribe"]>();
const unsubscribe = vi.fn<ListeningConnection["unsubscribe"]>();
const close = vi.fn<() => void>();
const openClient = (): ListeningConnection => ({
  connected: Promise.resolve(),
  subscribe,
  unsubscribe,
  ping: async () => {},
  close,
});

let errors: unknown[];
let connection: WatchedConnection;

beforeEach(() => {
  vi.resetAllMocks();
  errors = [];
  connection = new WatchedConnection(openClient, {
    onMessage() {},
    onError: (error) => errors.push(error),
  });
});

afterEach(() => connection.lose(LOST));

it("rejects if Redis refuses to end a subscription, and stays open", async () => {
  unsubscribe.mockRejectedValue(REFUSED);
  await expect(connection.unsubscribe("a")).rejects.toBe(REFUSED);
  expect(connection.isLost).toBe(false);
});

it("is lost if the end of a subscription has no answer, because a lost connection has none", async () => {
  unsubscribe.mockRejectedValue(LOST);
  await connection.unsubscribe("a");
  expect(errors).toEqual([LOST]);
});

it("is lost once, closes the connection of the client, and rejects its calls", async () => {
  subscribe.mockReturnValue(new Promise(() => {}));
  const subscribing = connection.subscribe("a");
  connection.lose(LOST);
  connection.lose(REFUSED);
  await expect(subscribing).rejects.toBe(LOST);
  await expect(connection.subscribe("b")).rejects.toBe(LOST);
  expect(subscribe).toHaveBeenCalledOnce();
  expect(close).toHaveBeenCalledOnce();
  expect(errors).toEqual([LOST]);
});

it("reports a value that is not an error as the cause of one", () => {
  connection.lose("gone");
  expect(errors).toMatchObject([{ message: "the connection is lost", cause: "gone" }]);
});
