import type { TcpEnvironment } from "../tcp/open-connection.ts";
import type { FetchAccelerator } from "./fetch-accelerator.ts";

/** What answering requests and opening handshakes needs. */
export interface RequestEnvironment {
  readonly connections: TcpEnvironment;
  readonly fetch: FetchAccelerator;
}
