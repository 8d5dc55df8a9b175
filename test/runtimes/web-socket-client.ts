/**
 * A client for another runtime. It exchanges messages with an echo server through the WebSocket of
 * the runtime, or of a given undici, and prints the result as JSON. Usage: node
 * web-socket-client.ts <url> <"client" | "server": the side that closes> [<module of undici>]
 */
import { argv } from "node:process";

interface Undici {
  readonly WebSocket: new (
    url: string,
    options: { protocols: string[]; dispatcher: unknown },
  ) => WebSocket;
  readonly Agent: new (options: { allowH2: boolean }) => unknown;
}

const [, , url, closer, undiciModule] = argv;
const protocols = ["a", "b"];

async function connect(): Promise<WebSocket> {
  if (undiciModule === undefined) return new WebSocket(url, protocols);
  const { WebSocket: UndiciWebSocket, Agent } = (await import(undiciModule)) as Undici;
  return new UndiciWebSocket(url, { protocols, dispatcher: new Agent({ allowH2: true }) });
}

const socket = await connect();
socket.binaryType = "arraybuffer";
await new Promise((resolve, reject) => {
  socket.onopen = resolve;
  socket.onerror = (event) => reject(new Error("the connection failed", { cause: event }));
});

function nextMessage(): Promise<string | ArrayBuffer> {
  return new Promise((resolve, reject) => {
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => resolve(data);
    socket.onclose = ({ code }) => reject(new Error(`closed with ${code}`));
  });
}

const unequal: string[] = [];
for (const length of [0, 5, 126, 70_000, 1_000_000]) {
  const text = "x".repeat(length);
  socket.send(text);
  if ((await nextMessage()) !== text) unequal.push(`text of ${length}`);
  const bytes = Uint8Array.from({ length }, (_, index) => index * 167 + (index >> 8));
  socket.send(bytes);
  const echoed = new Uint8Array((await nextMessage()) as ArrayBuffer);
  if (Buffer.compare(echoed, bytes) !== 0) unequal.push(`binary of ${length}`);
}

const { protocol, extensions } = socket;
const closed = new Promise<CloseEvent>((resolve) => {
  socket.onclose = resolve;
});
if (closer === "client") socket.close(3000, "fin");
else socket.send("close");
const { code, reason, wasClean } = await closed;
console.log(JSON.stringify({ protocol, extensions, unequal, code, reason, wasClean }));
process.exit();
