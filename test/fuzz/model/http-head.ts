/**
 * A second implementation of the head of an HTTP/1.x message (RFC 9112 2 to 5) for comparison. It
 * lists all results with the position of the byte that decides them, and the first one counts.
 */

export interface HeadRules {
  /** The form of a start line. */
  readonly startLine: RegExp;
  readonly maxHeaderBytes: number;
  readonly maxHeaderCount: number;
}

export type ModelHead =
  | {
      readonly startLine: string;
      readonly fields: ReadonlyArray<readonly [string, string]>;
      readonly end: number;
    }
  | { readonly fault: "malformed" | "too-many-bytes" | "too-many-fields" };

const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([^]*)$/;

/**
 * The head at the start of the text, one character per byte, or undefined if it is not decided yet.
 */
export function readHead(text: string, rules: HeadRules): ModelHead | undefined {
  const findings: Array<readonly [position: number, what: ModelHead]> = [];
  const malformed = { fault: "malformed" } as const;
  // Precedes every other result that the same byte might decide.
  if (text.length > rules.maxHeaderBytes) {
    findings.push([rules.maxHeaderBytes, { fault: "too-many-bytes" }]);
  }
  const bad = Array.from(text).findIndex((char, at) => !mayStand(char, text[at - 1] ?? ""));
  if (bad >= 0) findings.push([bad, malformed]);

  const lines = text.split("\r\n").slice(0, -1);
  let end = 0;
  for (const [index, line] of lines.entries()) {
    end += line.length + 2;
    if (index === 0) {
      if (!rules.startLine.test(line)) findings.push([end - 1, malformed]);
    } else if (line === "") {
      const fields = lines.slice(1, index).map((field) => {
        const [, name = "", value = ""] = FIELD.exec(field) ?? [];
        return [name, value.replace(/^[ \t]+/, "").replace(/[ \t]+$/, "")] as const;
      });
      findings.push([end - 1, { startLine: lines[0], fields, end }]);
      break;
    } else if (!FIELD.test(line)) {
      findings.push([end - 1, malformed]);
    } else if (index > rules.maxHeaderCount) {
      findings.push([end - 1, { fault: "too-many-fields" }]);
    }
  }
  return findings.toSorted(([first], [second]) => first - second)[0]?.[1];
}

/** LF only after CR, and CR only before LF. Of the other control characters only tab. */
function mayStand(char: string, before: string): boolean {
  if ((char === "\n") !== (before === "\r")) return false;
  return "\t\r\n".includes(char) || (char >= " " && char !== "\u007f");
}
