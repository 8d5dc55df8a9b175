import { describe, expect, it } from "vitest";
import { type Row, rowsOf } from "./linked-tests.ts";
import { readPage } from "./pages.ts";

const PAGE = "docs/guides/instead-of-ws.md";

/** The names in the documentation of `ws` 8. */
const DOCUMENTED = {
  "Options of servers": `allowSynchronousEvents autoPong backlog clientTracking closeTimeout handleProtocols host
    maxBufferedChunks maxFragments maxPayload noServer path perMessageDeflate port server skipUTF8Validation
    verifyClient WebSocket serverNoContextTakeover clientNoContextTakeover serverMaxWindowBits
    clientMaxWindowBits zlibDeflateOptions zlibInflateOptions threshold concurrencyLimit`,
  "Events and methods of servers": `"close" "connection" "error" "headers" "listening" "wsClientError"
    server.address() server.clients server.close() server.handleUpgrade() server.shouldHandle()`,
  "Options of clients": `allowSynchronousEvents autoPong closeTimeout finishRequest followRedirects generateMask
    handshakeTimeout maxBufferedChunks maxFragments maxPayload maxRedirects origin perMessageDeflate
    protocolVersion skipUTF8Validation`,
  "Events and members of `WebSocket`": `CONNECTING OPEN CLOSING CLOSED "close" "error" "message" "open" "ping" "pong"
    "redirect" "unexpected-response" "upgrade" addEventListener removeEventListener binaryType bufferedAmount
    close extensions isPaused onclose onerror onmessage onopen pause ping pong protocol readyState resume
    send terminate url createWebSocketStream`,
  "Environment variables and error codes": `WS_NO_BUFFER_UTIL WS_NO_UTF_8_VALIDATE WS_ERR_EXPECTED_FIN
    WS_ERR_EXPECTED_MASK WS_ERR_INVALID_CLOSE_CODE WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH
    WS_ERR_INVALID_OPCODE WS_ERR_INVALID_UTF8 WS_ERR_UNEXPECTED_MASK WS_ERR_UNEXPECTED_RSV_1
    WS_ERR_UNEXPECTED_RSV_2_3 WS_ERR_TOO_MANY_BUFFERED_PARTS WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH
    WS_ERR_UNSUPPORTED_MESSAGE_LENGTH`,
};

/** The rows below a heading. */
function rowsBelow(heading: string): Row[] {
  const section = readPage(PAGE).split(`### ${heading}\n`)[1].split("\n#")[0];
  return rowsOf(section);
}

describe("the page about ws", () => {
  it.each(Object.entries(DOCUMENTED))("has a row for each name below %s", (heading, names) => {
    const rows = rowsBelow(heading);
    const named = rows.flatMap(({ cells }) => cells[0].match(/(?<=`)[^`, ][^`]*(?=`)/g) ?? []);
    expect(named).toEqual(expect.arrayContaining(names.split(/\s+/)));
  });

  it.each(Object.keys(DOCUMENTED))(
    "gives a verdict on each row below %s, and a reason for each difference",
    (heading) => {
      for (const { cells } of rowsBelow(heading)) {
        const [name, verdict, notes] = cells;
        expect([name, ["same", "better", "partly", "left out"]]).toEqual([
          name,
          expect.arrayContaining([verdict]),
        ]);
        // A difference has its reason.
        if (verdict !== "same") expect(notes).not.toBe("");
      }
    },
  );
});
