import { expect, it } from "vitest";
import { openSession, startTls } from "./support.ts";

it("a server announces its limits and extended CONNECT in SETTINGS (RFC 9113 6.5.2, RFC 8441 3)", async () => {
  const server = await startTls({ routes: { "ws:/": () => {} } });
  const { remoteSettings } = await openSession(server);
  expect(remoteSettings).toMatchObject({
    enableConnectProtocol: true,
    enablePush: false,
    maxConcurrentStreams: 256,
    initialWindowSize: 65_535,
    maxHeaderListSize: 16_384,
  });
});
