/** The sentences of the page that are composed from parts. */

/** Isolates `name`, so that its writing direction does not reorder the sentence around it. */
export function isolate(name: string): string {
  return `\u2068${name}\u2069`;
}

/** "Ana", "Ana and Bo", "Ana, Bo and 3 others". */
export function listNames(names: readonly string[]): string {
  const shown = names.map(isolate);
  if (shown.length <= 1) return shown.join("");
  if (shown.length <= 3) return `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
  return `${shown.slice(0, 2).join(", ")} and ${shown.length - 2} others`;
}

/** The reason why the server gave another name than the requested name. */
export function explainName(wanted: string, name: string): string {
  const number = name.slice(wanted.length);
  return name.startsWith(wanted) && /^\d+$/.test(number)
    ? `The name ${isolate(wanted)} is taken, so you are ${isolate(name)}. You can change your name next to the list of people.`
    : `Your name is shown as ${isolate(name)}.`;
}

/** "1 new message", "5 new messages". */
export function countMessages(count: number): string {
  return `${count} new ${count === 1 ? "message" : "messages"}`;
}

/** "1 character left", "5 characters left". */
export function countCharactersLeft(count: number): string {
  return `${count} ${count === 1 ? "character" : "characters"} left`;
}

/** "4 seconds", "3 minutes". */
export function describeDuration(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000));
  if (seconds < 90) return seconds === 1 ? "1 second" : `${seconds} seconds`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} minutes`;
  return `${Math.round(minutes / 60)} hours`;
}

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

/** The time of day in the format of the reader's locale. */
export function formatTime(date: number): string {
  return TIME.format(date);
}

/** The whole date and time. */
export function formatFull(date: number): string {
  return FULL.format(date);
}

/** "Today", "Yesterday" or the date. */
export function formatDay(date: number, now: number): string {
  if (isSameDay(date, now)) return "Today";
  const yesterday = new Date(now);
  yesterday.setDate(yesterday.getDate() - 1);
  return isSameDay(date, yesterday.getTime()) ? "Yesterday" : DAY.format(date);
}

/** Whether both times are on the same day in the reader's time zone. */
export function isSameDay(date: number, other: number): boolean {
  return new Date(date).toDateString() === new Date(other).toDateString();
}
