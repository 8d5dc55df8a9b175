/**
 * The data that is kept between visits. If storage is disabled in the browser, every access throws, and the
 * chat works without it.
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

/** The name of the user in this tab, so that a reload stays in the chat. */
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
