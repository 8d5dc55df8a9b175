import { expect, it } from "vitest";
import type { RefusedPeer } from "../../../src/server/reports/refusal-reporter.ts";
import { ServerSocket } from "../../../src/server/socket/server-socket.ts";
import { SocketGroup } from "../../../src/server/socket/socket-group.ts";
import { FakeConnection } from "../fake-connection.ts";

const peer: RefusedPeer = { origins: [], host: "localhost", remoteAddress: "" };

function socketIn(group: SocketGroup): ServerSocket {
  const socket = new ServerSocket(new FakeConnection(), {
    onFailure: () => {},
    onRefused: () => {},
    onClosed: () => {},
    inNextTurn: setImmediate,
  });
  group.add(socket, peer);
  return socket;
}

/** Whether `promise` has settled after the microtasks that are due. */
async function hasSettled(promise: Promise<void>): Promise<boolean> {
  let isSettled = false;
  void promise.then(() => (isSettled = true));
  await new Promise(setImmediate);
  return isSettled;
}

it("a SocketGroup contains sockets and their peers until they are deleted", () => {
  const group = new SocketGroup();
  const [first, second] = [socketIn(group), socketIn(group)];
  expect([...group]).toEqual([first, second]);
  expect(group.size).toBe(2);
  expect(group.peerOf(first)).toBe(peer);
  group.delete(first);
  expect([...group]).toEqual([second]);
  expect(group.size).toBe(1);
  expect(group.peerOf(first)).toBeUndefined();
});

it("a SocketGroup is idle at once when it is empty", async () => {
  expect(await hasSettled(new SocketGroup().whenIdle())).toBe(true);
});

it("a SocketGroup is idle once the last socket is deleted and the last handler has ended", async () => {
  const group = new SocketGroup();
  const socket = socketIn(group);
  const endFirst = group.startHandler();
  const endSecond = group.startHandler();
  const idle = group.whenIdle();
  endFirst();
  group.delete(socket);
  expect(await hasSettled(idle)).toBe(false);
  endSecond();
  expect(await hasSettled(idle)).toBe(true);
  socketIn(group);
  expect(await hasSettled(group.whenIdle())).toBe(false);
});

it("a SocketGroup counts a socket that is deleted twice only once", async () => {
  const group = new SocketGroup();
  const [first] = [socketIn(group), socketIn(group)];
  const idle = group.whenIdle();
  group.delete(first);
  group.delete(first);
  expect(await hasSettled(idle)).toBe(false);
});
