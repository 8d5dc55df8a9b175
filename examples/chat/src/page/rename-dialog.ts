import { byId } from "./dom.ts";

/** The return value of the dialog if the user confirms, by the button or by Enter. */
const CHANGE = "change";

/** Asks for another name. */
export class RenameDialog {
  readonly #dialog: HTMLDialogElement;
  readonly #field = byId("rename-name", HTMLInputElement);

  constructor(dialog: HTMLDialogElement, onChosen: (name: string) => void) {
    this.#dialog = dialog;
    byId("rename-cancel", HTMLButtonElement).addEventListener("click", () => dialog.close());
    // The dialog has returned the focus by then, so `onChosen` can move it elsewhere.
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
