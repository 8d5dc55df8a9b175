import type { TcpEnvironment } from "../tcp/open-connection.ts";
import type { FetchAccelerator } from "./fetch-accelerator.ts";

/** The environment for requests and opening handshakes. */
export interface RequestEnvironment {
  readonly connections: TcpEnvironment;
  readonly fetch: FetchAccelerator;
}
