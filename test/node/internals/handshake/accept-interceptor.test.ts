import { createServer } from "node:http";
import * as process from "node:process";
import { afterEach, expect, it, vi } from "vitest";
import { logUnusedFastPath } from "../../../../src/node/environment/debug-log.ts";
import { AcceptInterceptor } from "../../../../src/node/internals/handshake/accept-interceptor.ts";

vi.mock("../../../../src/node/environment/debug-log.ts", { spy: true });

afterEach(() => vi.clearAllMocks());

it.skipIf(process.platform === "win32")(
  "AcceptInterceptor logs that it cannot intercept the connections of a server that does not listen",
  () => {
    expect(AcceptInterceptor.intercept(createServer(), () => false)).toBeUndefined();
    // Without a reason, the line names the undocumented APIs.
    expect(logUnusedFastPath).toHaveBeenCalledExactlyOnceWith("opening handshakes", undefined);
  },
);

it.runIf(process.platform === "win32")(
  "AcceptInterceptor logs that it is not tested on Windows",
  () => {
    expect(AcceptInterceptor.intercept(createServer().listen(0), () => false)).toBeUndefined();
    expect(logUnusedFastPath).toHaveBeenCalledExactlyOnceWith(
      "opening handshakes",
      "it is not tested on Windows",
    );
  },
);
