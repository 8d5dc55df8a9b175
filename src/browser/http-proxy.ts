import type { CreateConnection } from "../client/connection-target.ts";
import type { HttpProxyOptions } from "../client/proxy-options.ts";
import { UsageError } from "../errors/index.ts";

/** Throws UsageError `UNSUPPORTED`, because the browser chooses the proxy. */
export function httpProxy(_proxy: string | URL, _options?: HttpProxyOptions): CreateConnection {
  throw unsupported();
}

/** Throws UsageError `UNSUPPORTED`, because the browser chooses the proxy. */
export function proxyFromEnvironment(
  _environment?: Readonly<Record<string, string | undefined>>,
): CreateConnection {
  throw unsupported();
}

function unsupported(): UsageError {
  return new UsageError("UNSUPPORTED", "the browser chooses the proxy, a page cannot");
}
