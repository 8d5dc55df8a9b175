import { byId } from "./dom.ts";

/** Asks for another name. */
export class RenameDialog {
  readonly #dialog: HTMLDialogElement;
  readonly #field = byId("rename-name", HTMLInputElement);
  #present = "";

  constructor(dialog: HTMLDialogElement, onChosen: (name: string) => void) {
    this.#dialog = dialog;
    byId("rename-cancel", HTMLButtonElement).addEventListener("click", () => dialog.close());
    byId("rename-form", HTMLFormElement).addEventListener("submit", () => {
      const name = this.#field.value.trim();
      if (name !== "" && name !== this.#present) onChosen(name);
    });
  }

  open(present: string): void {
    this.#present = present;
    this.#field.value = present;
    this.#dialog.showModal();
    this.#field.select();
  }
}
