import { make, makeFace, hueOf } from "./dom.ts";
import { splitLinks, type TextPart } from "./links.ts";
import { formatDay, formatFull, formatTime, isSameDay } from "./wording.ts";
import type { OutgoingMessage } from "./outbox.ts";
import type { ChatMessage } from "../wire/wire.ts";

/** Messages of one user within this time share one heading. */
const GROUP_MS = 5 * 60_000;

/** Above this number the oldest entries are removed, so that the page stays fast. */
const MAX_ENTRIES = 1_000;

export interface MessageLogElements {
  readonly messages: HTMLOListElement;
  readonly pending: HTMLOListElement;
  readonly empty: HTMLElement;
}

/** The conversation on the page: messages, notices, and unsent messages. */
export class MessageLog {
  readonly #elements: MessageLogElements;
  readonly #now: () => number;
  readonly #pending = new Map<string, HTMLLIElement>();
  #previous: ChatMessage | undefined;
  #previousDate: number | undefined;
  #isOnline = false;

  constructor(elements: MessageLogElements, now: () => number = Date.now) {
    this.#elements = elements;
    this.#now = now;
  }

  /** Shows a message from the server, in place of the waiting message with the same id. */
  add(message: ChatMessage, isOwn: boolean): void {
    if (message.messageId !== undefined) this.#removePending(message.messageId);
    this.#startDay(message.date);
    const isContinued = isSameBreath(this.#previous, message);
    this.#previous = message;
    this.#append(makeMessage(message, isOwn, isContinued));
  }

  /** Shows a line about the chat itself. An important line is highlighted. */
  notice(text: string, kind: "quiet" | "important" = "quiet"): void {
    this.#startDay(this.#now());
    this.#previous = undefined;
    this.#append(make("li", kind === "quiet" ? "notice" : "notice important", text));
  }

  /** Shows a message of the user that the server has not sent back yet. */
  addPending({ messageId, text }: OutgoingMessage): void {
    const item = make("li", "message own", makeBubble(text), make("span", "delivery"));
    this.#pending.set(messageId, item);
    this.#elements.pending.append(item);
    this.#elements.empty.hidden = true;
    this.#describePending(item);
  }

  /** Whether the waiting messages were sent or wait for a connection. */
  setOnline(isOnline: boolean): void {
    this.#isOnline = isOnline;
    for (const item of this.#pending.values()) this.#describePending(item);
  }

  #removePending(messageId: string): void {
    this.#pending.get(messageId)?.remove();
    this.#pending.delete(messageId);
  }

  #describePending(item: HTMLLIElement): void {
    const delivery = item.querySelector(".delivery");
    if (delivery === null) return;
    delivery.textContent = this.#isOnline ? "Sending" : "Will be sent when you are online";
  }

  #startDay(date: number): void {
    const previous = this.#previousDate;
    this.#previousDate = date;
    if (previous !== undefined && isSameDay(previous, date)) return;
    this.#previous = undefined;
    this.#append(make("li", "day", formatDay(date, this.#now())));
  }

  #append(item: HTMLLIElement): void {
    const { messages, empty } = this.#elements;
    messages.append(item);
    empty.hidden = true;
    if (messages.childElementCount > MAX_ENTRIES) messages.firstElementChild?.remove();
  }
}

function isSameBreath(previous: ChatMessage | undefined, message: ChatMessage): boolean {
  return (
    previous !== undefined &&
    previous.id === message.id &&
    previous.name === message.name &&
    message.date - previous.date < GROUP_MS
  );
}

function makeMessage(message: ChatMessage, isOwn: boolean, isContinued: boolean): HTMLLIElement {
  const { name, text, date } = message;
  const item = make("li", "message");
  item.classList.toggle("own", isOwn);
  item.classList.toggle("continued", isContinued);
  const bubble = makeBubble(text);
  if (isContinued) {
    bubble.title = formatFull(date);
    // A screen reader does not read the heading again, so each message has the name.
    item.append(make("span", "visually-hidden", `${isOwn ? "You" : name}: `), bubble);
    return item;
  }
  const author = make("bdi", "author", name);
  author.style.setProperty("--hue", String(hueOf(name)));
  const heading = make("div", "heading", author, makeTime(date));
  if (isOwn) heading.prepend(make("span", "visually-hidden", "You, "));
  else item.append(makeFace(name));
  item.append(heading, bubble);
  return item;
}

function makeBubble(text: string): HTMLElement {
  const bubble = make("div", "bubble", ...splitLinks(text).map(makePart));
  bubble.dir = "auto";
  return bubble;
}

function makePart({ text, href }: TextPart): Node | string {
  if (href === undefined) return text;
  const link = make("a", "", text);
  link.href = href;
  link.target = "_blank";
  // The linked page must get neither access to this page nor its address, which contains the room.
  link.rel = "noopener noreferrer";
  return link;
}

function makeTime(date: number): HTMLTimeElement {
  const time = make("time", "", formatTime(date));
  time.dateTime = toIso(date);
  time.title = formatFull(date);
  return time;
}

function toIso(date: number): string {
  return new Date(date).toISOString();
}
