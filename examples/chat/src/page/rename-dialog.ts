import { byId } from "./dom.ts";

/** The value of the button, or of the Enter key, that does it. */
const CHANGE = "change";

/** Asks for another name. */
export class RenameDialog {
  readonly #dialog: HTMLDialogElement;
  readonly #field = byId("rename-name", HTMLInputElement);

  constructor(dialog: HTMLDialogElement, onChosen: (name: string) => void) {
    this.#dialog = dialog;
    byId("rename-cancel", HTMLButtonElement).addEventListener("click", () => dialog.close());
    // Only now, when the dialog has given the focus back, can it be moved elsewhere.
    dialog.addEventListener("close", () => {
      const name = this.#field.value.trim();
      if (dialog.returnValue === CHANGE && name !== "") onChosen(name);
    });
  }

  open(present: string): void {
    this.#dialog.returnValue = "";
    this.#field.value = present;
    this.#dialog.showModal();
    this.#field.select();
  }
}
