import { logUnusedFastPath } from "../../environment/debug-log.ts";
import { type AbortableRequest, plainFetch } from "../../requests/fetch-accelerator.ts";

/**
 * Creates a request with a signal. If this Node.js version supports it, the signal is created at its first
 * access. Few handlers use it, and creating a request with a signal takes more than twice as long.
 */
export function makeAbortable(url: string, init: RequestInit): AbortableRequest {
  if (isSupported === undefined) {
    isSupported = isAborted();
    if (!isSupported) logUnusedFastPath("signals of requests made when they are read");
  }
  if (!isSupported) return plainFetch.makeAbortable(url, init);
  const request = new LazySignalRequest(url, init);
  return { request, abort: () => request.abort() };
}

/**
 * False if this Node.js version stores the state of a signal in another way. Undefined before the first use.
 */
let isSupported: boolean | undefined;

class LazySignalRequest extends Request {
  #controller: AbortController | undefined;
  #isAborted = false;

  override get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#isAborted) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  /** A clone that `Request` creates follows only the signal that the constructor created. */
  override clone(): Request {
    return new Request(super.clone(), { signal: this.signal });
  }

  abort(): void {
    if (this.#isAborted) return;
    this.#isAborted = true;
    this.#controller?.abort();
    // `new Request(request)` and `fetch` follow the signal that the constructor of `Request` created.
    abortSignal(super.signal);
  }
}

/** Aborts a signal without its controller, so that listeners of `Request` and `fetch` are called. */
function abortSignal(signal: AbortSignal): void {
  const state = signal as AbortSignal & Record<symbol, unknown>;
  for (const key of Object.getOwnPropertySymbols(signal)) {
    if (key.description === "kAborted") state[key] = true;
    if (key.description === "kReason") state[key] = AbortSignal.abort().reason;
  }
  signal.dispatchEvent(new Event("abort"));
}

/** Checks that `abort` of a request also aborts its clones and copies. */
function isAborted(): boolean {
  try {
    const request = new LazySignalRequest("http://localhost", {});
    const earlier = [request, request.clone(), new Request(request)];
    if (earlier.some(({ signal }) => signal.aborted)) return false;
    request.abort();
    const all = [...earlier, request.clone(), new Request(request)];
    return all.every(({ signal }) => signal.aborted && signal.reason?.name === "AbortError");
  } catch {
    return false;
  }
}
