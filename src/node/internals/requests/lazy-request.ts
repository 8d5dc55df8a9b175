import { logUnusedFastPath } from "../../environment/debug-log.ts";

/**
 * Returns a `Request` without a body. If this Node.js version supports it, calls `make` only when the
 * application uses more of the request than its URL and method. In Node.js 20, the constructor of `Request`
 * takes half as long as `node:http` takes for a whole request.
 */
export function deferRequest(url: string, method: string, make: () => Request): Request {
  if (lazyClass === undefined) lazyClass = makeLazyClass();
  return lazyClass !== null ? new lazyClass(url, method, make) : make();
}

/** The constructor of a `Request` that calls `make` once. */
type LazyClass = new (url: string, method: string, make: () => Request) => Request;

/**
 * Null if this Node.js version does not store the state of a `Request` under symbols, as Node.js 20 and 22
 * do. Undefined before the first use.
 */
let lazyClass: LazyClass | null | undefined;

function makeLazyClass(): LazyClass | null {
  class LazyRequest {
    readonly #url: string;
    readonly #method: string;
    readonly #make: () => Request;
    #made: Request | undefined;

    constructor(url: string, method: string, make: () => Request) {
      this.#url = url;
      this.#method = method;
      this.#make = make;
    }

    static madeOf(request: LazyRequest): Request {
      return (request.#made ??= request.#make());
    }

    get url(): string {
      return this.#url;
    }

    get method(): string {
      return this.#method;
    }

    get signal(): AbortSignal {
      return LazyRequest.madeOf(this).signal;
    }

    clone(): Request {
      return LazyRequest.madeOf(this).clone();
    }
  }
  // The methods of `Request`, `new Request(request)` and `fetch` read the state under these symbols.
  for (const key of Object.getOwnPropertySymbols(new Request("http://localhost"))) {
    Object.defineProperty(LazyRequest.prototype, key, {
      get(this: LazyRequest): unknown {
        return Reflect.get(LazyRequest.madeOf(this), key);
      },
      set(this: LazyRequest, value: unknown) {
        Reflect.set(LazyRequest.madeOf(this), key, value);
      },
    });
  }
  Object.defineProperty(LazyRequest.prototype, "constructor", { value: Request });
  Object.setPrototypeOf(LazyRequest.prototype, Request.prototype);
  const Lazy = LazyRequest as unknown as LazyClass;
  if (isWhole(Lazy)) return Lazy;
  logUnusedFastPath("requests made when they are read");
  return null;
}

/**
 * Checks that a request of the class `Lazy`, its clones and its copies behave like the request that `make`
 * returns.
 */
function isWhole(Lazy: LazyClass): boolean {
  try {
    const real = new Request("http://localhost/", { method: "HEAD", headers: { a: "b" } });
    const lazy = (): Request => new Lazy(real.url, real.method, () => real);
    return (
      lazy() instanceof Request &&
      [lazy(), lazy().clone(), new Request(lazy())].every(
        ({ url, method, headers, body, bodyUsed, redirect }) =>
          url === real.url &&
          method === real.method &&
          headers.get("a") === "b" &&
          body === null &&
          !bodyUsed &&
          redirect === real.redirect,
      )
    );
  } catch {
    return false;
  }
}
