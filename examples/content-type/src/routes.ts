import { readFile } from "node:fs/promises";
import { detectMimeType } from "@remix-run/mime";
import { files, type HttpHandler, type WebSocketRoute } from "tideway/server";

const directory = new URL("../page/", import.meta.url);
const html = await readFile(new URL("index.html", directory), "utf8");

/** The maximum length of a question. Every extension is much shorter. */
const MAX_QUESTION_BYTES = 256;

/** The example as routes of a server: a WebSocket, and its page. */
export const contentTypeRoutes: {
  readonly "ws:/contentType": WebSocketRoute<"/contentType", "">;
  readonly "/contentType": HttpHandler;
  readonly "/contentType/*": HttpHandler;
} = {
  "ws:/contentType": {
    maxMessageBytes: MAX_QUESTION_BYTES,
    handle: async (socket) => {
      for await (const extension of socket) {
        if (typeof extension !== "string") return socket.close(1003, "an extension is text");
        socket.send(contentTypeOf(extension));
      }
    },
  },
  "/contentType": () =>
    new Response(html, { headers: { "content-type": "text/html; charset=utf-8" } }),
  "/contentType/*": files(directory),
};

function contentTypeOf(extension: string): string {
  const type: unknown = detectMimeType(extension);
  // The table would return the inherited property of Object for `constructor`.
  return typeof type === "string" ? type : "unknown";
}
