import { describeDuration } from "./wording.ts";
import type { ConnectionState } from "./connection.ts";

export interface StatusElements {
  /** The element in the bar that shows the state as a word and a colour. */
  readonly status: HTMLElement;
  readonly word: HTMLElement;
  /** The sentence below the bar. It is visible only during a problem and shortly after it. */
  readonly banner: HTMLElement;
  readonly sentence: HTMLElement;
  readonly retry: HTMLButtonElement;
  /** The text for screen readers. It changes once for each state, not every second. */
  readonly announcer: HTMLElement;
}

/** How long the banner says that the page is online again. */
const BACK_ONLINE_MS = 6_000;

const KEPT = "Your messages are kept and sent when you are online.";

/** Shows the state of the connection, with the seconds to the next attempt. */
export class StatusView {
  readonly #elements: StatusElements;
  #state: ConnectionState = { kind: "connecting" };
  #hasBeenOnline = false;
  #timer: number | undefined;

  constructor(elements: StatusElements) {
    this.#elements = elements;
    addEventListener("online", () => this.#render());
    addEventListener("offline", () => this.#render());
  }

  show(state: ConnectionState): void {
    this.#state = state;
    if (state.kind === "online") this.#hasBeenOnline = true;
    clearInterval(this.#timer);
    if (state.kind === "waiting") this.#timer = setInterval(() => this.#render(), 250);
    if (state.kind === "online") this.#timer = setTimeout(() => this.#hideBanner(), BACK_ONLINE_MS);
    this.#render();
    this.#announce();
  }

  #render(): void {
    const { status, word, banner, sentence, retry } = this.#elements;
    const state = this.#state;
    const isOffline = state.kind === "waiting" && !navigator.onLine;
    status.dataset["state"] = isOffline ? "offline" : state.kind;
    banner.dataset["state"] = state.kind;
    retry.hidden = state.kind !== "waiting" && state.kind !== "stopped";
    setText(word, isOffline ? "Offline" : this.#word());
    const said = isOffline ? `This device is offline. ${KEPT}` : this.#sentence();
    setText(sentence, said);
    banner.hidden = said === "";
  }

  #word(): string {
    const state = this.#state;
    switch (state.kind) {
      case "connecting":
        return this.#hasBeenOnline ? "Reconnecting" : "Connecting";
      case "online":
        return "Online";
      case "waiting": {
        const seconds = secondsUntil(state.retryAt);
        return seconds === 0 ? "Reconnecting" : `Reconnecting in ${seconds} s`;
      }
      case "stopped":
        return "Disconnected";
    }
  }

  #sentence(): string {
    const state = this.#state;
    switch (state.kind) {
      case "connecting":
        return this.#hasBeenOnline ? `Reconnecting. ${KEPT}` : "";
      case "online":
        return state.awayMs === undefined ? "" : "You are back online.";
      case "waiting":
        return `${explainLoss(state.code, this.#hasBeenOnline)} ${KEPT}`;
      case "stopped":
        return state.reason === ""
          ? `The server has closed the connection (code ${state.code}).`
          : `The server has closed the connection: ${state.reason}.`;
    }
  }

  #announce(): void {
    const { announcer, sentence } = this.#elements;
    if (announcer.textContent !== sentence.textContent)
      announcer.textContent = sentence.textContent;
  }

  #hideBanner(): void {
    this.#elements.banner.hidden = true;
  }
}

/** The notice in the conversation when the connection is open again. */
export function describeReturn(awayMs: number, isComplete: boolean): string {
  const back = `Back online after ${describeDuration(awayMs)}.`;
  return isComplete ? back : `${back} Some messages from that time may be missing here.`;
}

/** The notice for missing messages. */
export const LOST = "Some messages are missing here.";

/** RFC 6455 7.4.1 and its registry. */
function explainLoss(code: number, hasBeenOnline: boolean): string {
  switch (code) {
    case 1001:
      return "The server has shut down. This page reconnects when the server is back.";
    case 1012:
      return "The server is restarting. This page reconnects automatically.";
    case 1013:
      return "The server is busy. This page reconnects automatically.";
    default:
      return hasBeenOnline
        ? "The connection was lost. This page reconnects automatically."
        : "The server cannot be reached. This page keeps trying.";
  }
}

function secondsUntil(date: number): number {
  return Math.max(0, Math.ceil((date - Date.now()) / 1000));
}

/** Changes nothing if the text is the same, so that a screen reader does not repeat it. */
function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
