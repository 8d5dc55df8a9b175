import { make, makeFace } from "./dom.ts";

export interface PeopleListElements {
  readonly panel: HTMLElement;
  readonly list: HTMLUListElement;
  readonly count: HTMLElement;
  readonly noun: HTMLElement;
  readonly toggle: HTMLButtonElement;
}

/** The list of users; on a narrow screen a button opens it. */
export class PeopleList {
  readonly #elements: PeopleListElements;

  constructor(elements: PeopleListElements) {
    this.#elements = elements;
    elements.toggle.addEventListener("click", () => this.#setOpen(!this.isOpen));
  }

  get isOpen(): boolean {
    return this.#elements.toggle.ariaExpanded === "true";
  }

  close(): void {
    this.#setOpen(false);
  }

  show(names: readonly string[], ownName: string): void {
    const { count, noun, list } = this.#elements;
    count.textContent = String(names.length);
    noun.textContent = names.length === 1 ? "person here" : "people here";
    list.replaceChildren(...names.map((name) => makePerson(name, name === ownName)));
  }

  #setOpen(isOpen: boolean): void {
    this.#elements.toggle.ariaExpanded = String(isOpen);
    this.#elements.panel.classList.toggle("open", isOpen);
  }
}

function makePerson(name: string, isSelf: boolean): HTMLLIElement {
  const person = make("bdi", "person", name);
  person.title = name;
  const item = make("li", "", makeFace(name), person);
  if (isSelf) item.append(make("span", "self", "you"));
  return item;
}
