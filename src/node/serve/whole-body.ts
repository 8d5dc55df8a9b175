import { undocumented } from "../undocumented.ts";

/** What Node 20 and 22 keep of a response. */
type InsideResponse = Response & Record<symbol, InsideState | undefined>;

interface InsideState {
  readonly body?: { readonly source?: unknown } | null;
}

/**
 * What `response` was made of, if that was a string or an array of bytes; undefined where only its
 * stream can tell. Reading the stream takes Node 20 as long as the rest of a small response.
 */
export function wholeBody(response: Response): string | Uint8Array | undefined {
  if (!undocumented.isUsed) return undefined;
  if (stateKey === undefined) stateKey = findStateKey();
  if (stateKey === null || response.bodyUsed || response.body?.locked === true) return undefined;
  const source = (response as InsideResponse)[stateKey]?.body?.source;
  return typeof source === "string" || source instanceof Uint8Array ? source : undefined;
}

/** Null on a Node that keeps the body of a response otherwise. */
let stateKey: symbol | null | undefined;

function findStateKey(): symbol | null {
  const bytes = new Uint8Array([1]);
  const fromText = new Response("text") as InsideResponse;
  const fromBytes = new Response(bytes) as InsideResponse;
  const fromStream = new Response(new ReadableStream()) as InsideResponse;
  const isState = (key: symbol): boolean => {
    const copy = fromBytes[key]?.body?.source;
    return (
      fromText[key]?.body?.source === "text" &&
      copy instanceof Uint8Array &&
      // A copy, which later changes of the array do not reach.
      copy !== bytes &&
      copy.length === 1 &&
      fromStream[key]?.body?.source === null
    );
  };
  return Object.getOwnPropertySymbols(fromText).find(isState) ?? null;
}
