import { PreparedMessage } from "../../protocol/prepared-message.ts";

/** Longer texts are not kept. */
const MAX_KEPT_UNITS = 16_384;

/**
 * Recognizes a text that is sent several times in a row, usually to many connections. From the second time on, all
 * connections share one frame, which is encoded and compressed only once.
 */
export class RepeatedTexts {
  #latest: string | PreparedMessage = "";

  /** Returns the prepared message of `text`; undefined if the previous call had another text. */
  find(text: string): PreparedMessage | undefined {
    const latest = this.#latest;
    if (typeof latest !== "string" && latest.data === text) return latest;
    const isRepeated = latest === text;
    if (isRepeated) return (this.#latest = new PreparedMessage(text));
    if (text.length <= MAX_KEPT_UNITS) this.#latest = text;
    return undefined;
  }
}
