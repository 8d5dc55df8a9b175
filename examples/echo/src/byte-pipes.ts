/**
 * Speaks WebSocket over a pair of byte pipes. `tideway/protocol` has no I/O: the pipes here are two
 * functions, and could be a socket, a serial line or a message port.
 */
import { fileURLToPath } from "node:url";
import { acceptUpgrade, ClientHandshake, createEndpoint, ServerHandshake } from "tideway/protocol";

/** The heads of the opening handshake are latin-1 text, one character per byte. */
const toBytes = (latin1: string): Uint8Array => Uint8Array.from(latin1, (c) => c.charCodeAt(0));

/** Sends `text` to an echo server at the other end of the pipes. Returns the answer. */
export function echoOverPipes(text: string): string {
  // The opening handshake: a request one way, and a response the other way.
  const clientHandshake = new ClientHandshake({ url: new URL("ws://pipe/echo") });
  const offer = new ServerHandshake().receive(toBytes(clientHandshake.request));
  if (offer?.kind !== "upgrade") throw new Error("the request is not complete, or is refused");
  const opened = clientHandshake.receive(toBytes(acceptUpgrade(offer)));
  if (opened?.kind !== "open") throw new Error("the response is not complete, or does not open");

  let answer = "";
  const server = createEndpoint({
    role: "server",
    onText: (message) => server.sendText(message),
    onBinary: (bytes) => server.sendBinary(bytes),
    onFinish: ({ code }) => console.log(`server: closed with ${code}`),
  });
  const client = createEndpoint({
    role: "client",
    onText(message) {
      answer = message;
      client.close(1000, "done");
    },
    onBinary: () => {},
    onFinish: ({ code }) => console.log(`client: closed with ${code}`),
  });

  // A peer may send frames together with its head.
  server.receive(offer.rest);
  client.receive(opened.rest);

  client.sendText(text);
  while (client.state !== "closed") {
    server.receive(client.takeOutput());
    client.receive(server.takeOutput());
  }
  return answer;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(`received: ${echoOverPipes("hello")}`);
}
