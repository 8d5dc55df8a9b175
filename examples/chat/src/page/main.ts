import { ReconnectingWebSocket } from "tideway";
import { ChatClient } from "./chat-client.ts";
import { Composer } from "./composer.ts";
import { Connection, type ConnectionState } from "./connection.ts";
import { byId } from "./dom.ts";
import { MessageLog } from "./message-log.ts";
import { PeopleList } from "./people-list.ts";
import { Presence } from "./presence.ts";
import { RenameDialog } from "./rename-dialog.ts";
import { ScrollKeeper } from "./scroll-keeper.ts";
import { describeReturn, LOST, StatusView } from "./status-view.ts";
import { keepJoined, keepName, recallJoined, recallName } from "./storage.ts";
import { Unread } from "./unread.ts";
import { explainName, isolate, listNames } from "./wording.ts";
import { DEFAULT_ROOM, SUBPROTOCOL } from "../wire/wire.ts";

/** The room that the page's own address names. */
const room = new URL(location.href).searchParams.get("room") ?? DEFAULT_ROOM;

const welcome = byId("welcome", HTMLElement);
const joinName = byId("join-name", HTMLInputElement);
const joinError = byId("join-error", HTMLElement);

joinName.value = recallName();
joinName.select();
byId("join", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  const name = joinName.value.trim();
  if (name === "") {
    joinError.textContent = "Type a name to join.";
    joinName.focus();
    return;
  }
  keepName(name);
  join(name);
});

// A reload stays in the chat.
if (recallJoined() !== "") join(recallJoined());

/** Hides the welcome screen and starts the chat. */
function join(chosenName: string): void {
  welcome.hidden = true;
  byId("chat", HTMLElement).hidden = false;

  const roomName = byId("room", HTMLElement);
  roomName.hidden = room === DEFAULT_ROOM;
  roomName.textContent = room;

  const log = new MessageLog({
    messages: byId("messages", HTMLOListElement),
    pending: byId("pending", HTMLOListElement),
    empty: byId("empty", HTMLElement),
  });
  const scroll = new ScrollKeeper(byId("scroller", HTMLElement), () => unread.clear());
  const unread = new Unread(byId("unread", HTMLButtonElement), () => {
    scroll.toEnd();
    composer.focus();
  });
  const people = new PeopleList({
    panel: byId("people", HTMLElement),
    list: byId("people-list", HTMLUListElement),
    count: byId("people-count", HTMLElement),
    noun: byId("people-noun", HTMLElement),
    toggle: byId("people-toggle", HTMLButtonElement),
  });
  const status = new StatusView({
    status: byId("status", HTMLElement),
    word: byId("status-text", HTMLElement),
    banner: byId("banner", HTMLElement),
    sentence: byId("banner-text", HTMLElement),
    retry: byId("retry", HTMLButtonElement),
    announcer: byId("announcer", HTMLElement),
  });
  const presence = new Presence(after, ({ came, left }) => {
    if (came.length > 0) notice(`${listNames(came)} joined`);
    if (left.length > 0) notice(`${listNames(left)} left`);
  });
  let users: readonly string[] = [];
  let isNamed = false;

  /** The position to continue from, as the client knows it. */
  let since: string | undefined;
  let awayMs: number | undefined;

  const openFromThere = (): ReconnectingWebSocket => openSocket(() => since);
  const connection = new Connection(openFromThere, {
    onMessage(data) {
      client.receive(data);
      since = client.position;
    },
    onState: (state) => connectionChanged(state),
  });
  const client = new ChatClient(
    connection,
    chosenName,
    {
      onNamed(name) {
        keepJoined(name);
        people.show(users, name);
        if (!isNamed) notice(`You are in the chat as ${isolate(name)}`);
        isNamed = true;
      },
      onNameRejected(wanted, name) {
        keepJoined(name);
        notice(explainName(wanted, name), "important");
      },
      onRenamed(previous, name) {
        presence.renamed(previous, name);
        notice(`${isolate(previous)} is now ${isolate(name)}`);
      },
      onUsers(names) {
        users = names;
        presence.update(names);
        people.show(names, client.name);
      },
      onMessage(message, isOwn) {
        presence.messageFrom(message.name);
        log.add(message, isOwn);
        if (!isOwn) unread.count(scroll.isFollowing);
        scroll.contentChanged();
      },
      onConnected(isComplete) {
        if (awayMs !== undefined) notice(describeReturn(awayMs, isComplete));
        awayMs = undefined;
      },
      onLost: () => notice(LOST, "important"),
      onStalled: () => connection.tryNow(),
    },
    { now: Date.now, newId: makeRandomId, after },
  );
  const composer = new Composer(
    {
      form: byId("composer", HTMLFormElement),
      text: byId("text", HTMLTextAreaElement),
      send: byId("send", HTMLButtonElement),
      note: byId("composer-note", HTMLElement),
    },
    (text) => {
      const message = client.say(text);
      if (message === undefined) return false;
      log.addPending(message);
      scroll.toEnd();
      return true;
    },
  );
  const rename = new RenameDialog(byId("rename-dialog", HTMLDialogElement), (name) => {
    keepName(name);
    client.rename(name);
    composer.focus();
  });

  byId("rename", HTMLButtonElement).addEventListener("click", () => rename.open(client.name));
  byId("retry", HTMLButtonElement).addEventListener("click", () => {
    connection.tryNow();
    composer.focus();
  });
  byId("text", HTMLTextAreaElement).addEventListener("focus", () => people.close());
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !people.isOpen) return;
    people.close();
    byId("people-toggle", HTMLButtonElement).focus();
  });
  status.show(connection.state);
  composer.focus();

  function connectionChanged(state: ConnectionState): void {
    status.show(state);
    log.setOnline(state.kind === "online");
    if (state.kind !== "online") {
      client.disconnected();
    } else if (state.awayMs !== undefined) {
      presence.returned();
      awayMs = state.awayMs;
    }
  }

  function notice(text: string, kind: "quiet" | "important" = "quiet"): void {
    log.notice(text, kind);
    scroll.contentChanged();
  }
}

/** @param since called before each attempt */
function openSocket(since: () => string | undefined): ReconnectingWebSocket {
  // A user is waiting, so the first attempts follow quickly.
  return new ReconnectingWebSocket(() => chatUrl(since()), {
    protocols: SUBPROTOCOL,
    initialDelayMs: 1_000,
    maxDelayMs: 15_000,
  });
}

function chatUrl(since: string | undefined): URL {
  const url = new URL("/chat", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.searchParams.set("room", room);
  if (since !== undefined) url.searchParams.set("since", since);
  return url;
}

function after(delayMs: number, callback: () => void): void {
  setTimeout(callback, delayMs);
}

/** `crypto.randomUUID` would be shorter, but does not exist on a page that was loaded over plain HTTP. */
function makeRandomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
