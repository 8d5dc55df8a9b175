/**
 * What is kept between visits. Storage can be switched off in a browser, and then throws on every
 * touch; the chat goes on without it.
 */

const NAME = "tideway-chat.name";
const JOINED = "tideway-chat.joined";

/** The name chosen last in this browser, or the empty string. */
export function recallName(): string {
  return attempt(() => localStorage.getItem(NAME)) ?? "";
}

export function keepName(name: string): void {
  attempt(() => localStorage.setItem(NAME, name));
}

/** The name under which this tab is in the chat, which a reload does not leave. */
export function recallJoined(): string {
  return attempt(() => sessionStorage.getItem(JOINED)) ?? "";
}

export function keepJoined(name: string): void {
  attempt(() => sessionStorage.setItem(JOINED, name));
}

function attempt<Result>(action: () => Result): Result | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
