/** The load process. It runs on a separate core, and the bench sends it orders. */
import { runBroadcast } from "./broadcast.ts";
import { runCalls } from "./calls.ts";
import { feedClients } from "./client-receive.ts";
import { drainClients } from "./client-send.ts";
import { runEcho } from "./echo.ts";
import { runFixedRate } from "./fixed-rate.ts";
import { runHandshakes } from "./handshake.ts";
import { openIdle } from "./idle.ts";
import type { Release, LoadAnswer, LoadOrder, RunOrder } from "./protocol.ts";
import { runPublications } from "./publications.ts";
import { runRequests } from "./requests.ts";
import { sendUnread, sendUnreadToClient } from "./unread.ts";

/** Closes the connections that a memory load has left open. */
let closeLoad: Release = () => {};

process.on("disconnect", () => process.exit());
process.on("message", (order: LoadOrder) => {
  const done = "release" in order ? release() : run(order);
  done.then(answer, (error: unknown) => {
    answer({ failure: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  });
});

function run(order: RunOrder): Promise<LoadAnswer> {
  const { load } = order;
  switch (load.kind) {
    case "echo":
      return runEcho(load, order);
    case "broadcast":
      return runBroadcast(load, order);
    case "calls":
      return runCalls(load, order);
    case "publications":
      return runPublications(load, order);
    case "fixed-rate":
      return runFixedRate(load, order);
    case "handshake":
      return runHandshakes(load, order);
    case "requests":
      return runRequests(load, order);
    case "idle":
      return openLoad(openIdle(load, order));
    case "unread":
      return openLoad(sendUnread(load, order));
    case "client-unread":
      return openLoad(sendUnreadToClient(load, order, announce));
    case "client-receive":
      return feedClients(load, order, announce);
    case "client-send":
      return drainClients(load, order, announce);
  }
}

async function openLoad(opening: Promise<Release>): Promise<LoadAnswer> {
  closeLoad = await opening;
  return { isSettled: true };
}

async function release(): Promise<LoadAnswer> {
  closeLoad();
  closeLoad = () => {};
  return { isSettled: true };
}

function announce(port: number): void {
  answer({ listeningOn: port });
}

function answer(result: LoadAnswer): void {
  process.send?.(result);
}
