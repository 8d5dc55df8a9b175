/** Answers HTTP requests with plain `node:http`, and with the headers of a `Response`. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { ready } from "../../subject.ts";

const server = createServer((_request, response) => {
  response.setHeader("Content-Type", "text/plain;charset=UTF-8");
  response.end("hello");
});

server.listen(0, "127.0.0.1", () => {
  ready((server.address() as AddressInfo).port);
});
