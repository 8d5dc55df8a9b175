import { logUnusedFastPath } from "../../environment/debug-log.ts";

/** A response with its internal state in Node.js 20 and 22. */
type ResponseWithState = Response & Record<symbol, BodyState | undefined>;

interface BodyState {
  readonly body?: { readonly source?: unknown } | null;
}

/**
 * Returns the string or the bytes from which `response` was created; undefined if it was created from a
 * stream. In Node.js 20, reading the body as a stream takes as long as the rest of a small response.
 */
export function wholeBody(response: Response): string | Uint8Array | undefined {
  if (stateKey === undefined) {
    stateKey = findStateKey();
    if (stateKey === null) logUnusedFastPath("bodies of responses sent without their streams");
  }
  if (stateKey === null || response.body?.locked === true) return undefined;
  const source = (response as ResponseWithState)[stateKey]?.body?.source;
  return typeof source === "string" || source instanceof Uint8Array ? source : undefined;
}

/**
 * Null if this Node.js version stores the body of a response in another way. Undefined before the first use.
 */
let stateKey: symbol | null | undefined;

function findStateKey(): symbol | null {
  const bytes = new Uint8Array([1]);
  const fromText = new Response("text") as ResponseWithState;
  const fromBytes = new Response(bytes) as ResponseWithState;
  const fromStream = new Response(new ReadableStream()) as ResponseWithState;
  const isState = (key: symbol): boolean => {
    const copy = fromBytes[key]?.body?.source;
    return (
      fromText[key]?.body?.source === "text" &&
      copy instanceof Uint8Array &&
      // It must be a copy, so that later changes to the array do not affect the response.
      copy !== bytes &&
      copy.length === 1 &&
      fromStream[key]?.body?.source === null
    );
  };
  return Object.getOwnPropertySymbols(fromText).find(isState) ?? null;
}
