import { countCharactersLeft } from "./wording.ts";
import { MAX_TEXT_CHARS } from "../wire/wire.ts";

/** When this few characters are left, the page shows how many. */
const TELL_FROM_LEFT = 500;

export interface ComposerElements {
  readonly form: HTMLFormElement;
  readonly text: HTMLTextAreaElement;
  readonly send: HTMLButtonElement;
  readonly note: HTMLElement;
}

/** The field for messages. Enter sends, Shift+Enter starts a new line. */
export class Composer {
  readonly #elements: ComposerElements;
  readonly #say: (text: string) => boolean;

  /** @param say Returns whether the text was accepted. If not, the text stays in the field. */
  constructor(elements: ComposerElements, say: (text: string) => boolean) {
    this.#elements = elements;
    this.#say = say;
    elements.text.addEventListener("keydown", (event) => this.#pressed(event));
    elements.text.addEventListener("input", () => this.#changed());
    elements.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  focus(): void {
    this.#elements.text.focus();
  }

  #pressed(event: KeyboardEvent): void {
    // Enter also selects a character in an input method; such an event is ignored.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#submit();
  }

  #submit(): void {
    const { text } = this.#elements;
    const said = text.value.trim();
    if (said === "") return;
    if (this.#say(said)) {
      text.value = "";
      this.#changed();
    } else {
      this.#elements.note.textContent = "Too many messages are waiting. This one stays here.";
    }
    text.focus();
  }

  #changed(): void {
    const { text, send, note } = this.#elements;
    send.disabled = text.value.trim() === "";
    const left = MAX_TEXT_CHARS - text.value.length;
    note.textContent = left < TELL_FROM_LEFT ? countCharactersLeft(left) : "";
    fitHeight(text);
  }
}

/** Grows the field with its text in browsers without `field-sizing`. */
function fitHeight(field: HTMLTextAreaElement): void {
  if (CSS.supports("field-sizing", "content")) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 2}px`;
}
