import { undocumented } from "../undocumented.ts";

/** A `Request` whose signal can be aborted. */
export interface AbortableRequest {
  readonly request: Request;
  abort(): void;
}

/**
 * Makes a request with a signal. If Node allows it, the signal is made when it is first read: few
 * handlers read it, and on Node 20 it takes twice as long as the rest of the request.
 */
export function makeAbortable(url: string, init: RequestInit): AbortableRequest {
  if (lazyClass === undefined) lazyClass = makeLazyClass();
  if (undocumented.isUsed && lazyClass !== null) {
    const request = new lazyClass(url, init);
    return { request, abort: () => request.abort() };
  }
  const controller = new AbortController();
  const request = new Request(url, { ...init, signal: controller.signal });
  return { request, abort: () => controller.abort() };
}

/** The constructor of a `Request` that makes its own signal. */
type LazyClass = new (url: string, init: RequestInit) => Request & { abort(): void };

/** Null if this Node stores the signal of a request in another way. */
let lazyClass: LazyClass | null | undefined;

function makeLazyClass(): LazyClass | null {
  const key = findSignalKey();
  if (key === undefined) return null;
  class LazySignalRequest extends Request {
    #controller: AbortController | undefined;
    #isAborted = false;

    // Node reads the signal here: in the getter of `Request`, in `new Request(request)` and in `fetch`.
    get [key as never](): AbortSignal {
      if (this.#controller === undefined) {
        this.#controller = new AbortController();
        if (this.#isAborted) this.#controller.abort();
      }
      return this.#controller.signal;
    }

    /** Ignores the signal that the constructor of `Request` sets: nothing can abort it. */
    set [key as never](_unused: AbortSignal) {}

    /** A clone made by `Request` follows only a signal that was passed to its constructor. */
    override clone(): Request {
      return new Request(super.clone(), { signal: this.signal });
    }

    abort(): void {
      this.#isAborted = true;
      this.#controller?.abort();
    }
  }
  return isAborted(LazySignalRequest) ? LazySignalRequest : null;
}

/** Finds the symbol under which Node 20 and 22 store the signal of a request. */
function findSignalKey(): symbol | undefined {
  const probe = new Request("http://localhost") as Request & Record<symbol, unknown>;
  return Object.getOwnPropertySymbols(probe).find((key) => probe[key] === probe.signal);
}

/** Checks that `abort` of a `Lazy` request also aborts its clones and copies. */
function isAborted(Lazy: LazyClass): boolean {
  try {
    const request = new Lazy("http://localhost", {});
    const requests = [request, request.clone(), new Request(request)];
    if (requests.some(({ signal }) => signal.aborted)) return false;
    request.abort();
    return requests.every(({ signal }) => signal.aborted);
  } catch {
    return false;
  }
}
