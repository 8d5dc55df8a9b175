import type { Message } from "../contract.ts";

interface Entry {
  readonly element: HTMLElement;
  readonly answer: HTMLElement;
  readonly stop: HTMLButtonElement;
  readonly note: HTMLElement;
  isEnded: boolean;
}

/** The list of questions with their answers. */
export class Conversation {
  readonly #list: HTMLElement;
  readonly #onStop: (id: string) => void;
  readonly #entries = new Map<string, Entry>();

  constructor(list: HTMLElement, onStop: (id: string) => void) {
    this.#list = list;
    this.#onStop = onStop;
  }

  show(message: Message): void {
    const isAtEnd = this.#isAtEnd();
    if (message.type === "question") this.#add(message.id, message.text);
    // The history may begin in an answer to a question that it no longer has.
    const entry = this.#entries.get(message.id) ?? this.#add(message.id, "An earlier question");
    if (message.type === "token" && !entry.isEnded) entry.answer.append(message.text);
    if (message.type === "end") this.#end(entry, message.isStopped);
    if (isAtEnd) this.#list.lastElementChild?.scrollIntoView({ block: "end" });
  }

  clear(): void {
    this.#list.replaceChildren();
    this.#entries.clear();
  }

  #add(id: string, text: string): Entry {
    const element = create("li");
    element.dataset["id"] = id;
    const question = create("p", "question", text);
    // Screen readers wait until the answer is complete.
    const answer = create("p", "answer");
    answer.ariaBusy = "true";
    const stop = document.createElement("button");
    stop.type = "button";
    stop.textContent = "Stop";
    stop.addEventListener("click", () => this.#onStop(id));
    const note = create("p", "note");
    element.append(question, answer, stop, note);
    this.#list.append(element);
    const entry = { element, answer, stop, note, isEnded: false };
    this.#entries.set(id, entry);
    return entry;
  }

  #end(entry: Entry, isStopped: boolean): void {
    if (entry.isEnded) return;
    entry.isEnded = true;
    entry.answer.ariaBusy = "false";
    entry.stop.remove();
    if (isStopped) entry.note.textContent = "Stopped";
  }

  #isAtEnd(): boolean {
    const { scrollHeight, scrollTop, clientHeight } = document.documentElement;
    return scrollHeight - scrollTop - clientHeight < 80;
  }
}

function create(name: string, className = "", text = ""): HTMLElement {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  return element;
}
