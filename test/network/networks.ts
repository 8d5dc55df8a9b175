import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A network between this process and a peer that can be cut without notice to either side. */
export interface Network {
  /** The address of this machine on it. */
  readonly ownHost: string;
  readonly peerHost: string;
  /** Starts the peer on the other side. Resolves with it and the first line of its output. */
  startPeer(...args: string[]): Promise<string>;
  /** The port through which the other side reaches `port` of `host`. */
  reach(host: string, port: number): Promise<number>;
  cut(): Promise<void>;
  /** Removes the network and its peers. */
  remove(): Promise<void>;
}

let namespaceCount = 0;

/** Two network namespaces with a cable between them that can be disconnected. */
export async function createNamespaces(): Promise<Network> {
  const name = `tideway-${process.pid}-${++namespaceCount}`;
  const [own, far] = [`tw${process.pid}-${namespaceCount}a`, `tw${process.pid}-${namespaceCount}b`];
  // A /30 of the range for tests of network devices (RFC 2544), separate for each process.
  const prefix = `198.18.${(process.pid >> 6) & 255}.`;
  const first = (process.pid & 63) * 4;
  const [ownHost, peerHost] = [`${prefix}${first + 1}`, `${prefix}${first + 2}`];
  const inside = ["netns", "exec", name, "ip"];
  await run("ip", ["netns", "add", name]);
  const peers: ChildProcess[] = [];
  const remove = async (): Promise<void> => {
    await end(peers);
    // The kernel would remove it with the namespace, but not at once.
    await run("ip", ["link", "del", own]).catch(() => {});
    await run("ip", ["netns", "del", name]);
  };
  try {
    await run("ip", ["link", "add", own, "type", "veth", "peer", "name", far, "netns", name]);
    await run("ip", ["addr", "add", `${ownHost}/30`, "dev", own]);
    await run("ip", ["link", "set", own, "up"]);
    await run("ip", [...inside, "addr", "add", `${peerHost}/30`, "dev", far]);
    await run("ip", [...inside, "link", "set", far, "up"]);
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    ownHost,
    peerHost,
    startPeer: (...args) => startPeer(peers, "ip", ["netns", "exec", name, process.execPath], args),
    reach: (_host, port) => Promise.resolve(port),
    cut: async () => void (await run("ip", [...inside, "link", "set", far, "down"])),
    remove,
  };
}

/** A proxy that stops forwarding and leaves its connections open. */
export function createProxies(): Promise<Network> {
  const peers: ChildProcess[] = [];
  const sockets: Socket[] = [];
  const proxies: Array<ReturnType<typeof createServer>> = [];
  let isCut = false;
  const pass = (from: Socket, to: Socket): void => {
    sockets.push(from);
    from.on("error", () => {});
    from.on("data", (chunk) => {
      if (isCut || to.write(chunk)) return;
      from.pause();
      to.once("drain", () => from.resume());
    });
  };
  return Promise.resolve({
    ownHost: "127.0.0.1",
    peerHost: "127.0.0.1",
    startPeer: (...args) => startPeer(peers, process.execPath, [], args),
    async reach(host, port) {
      const proxy = createServer((near) => {
        const far = connect(port, host);
        pass(near, far);
        pass(far, near);
      });
      proxies.push(proxy);
      await once(proxy.listen(0, "127.0.0.1"), "listening");
      return (proxy.address() as AddressInfo).port;
    },
    cut() {
      isCut = true;
      for (const socket of sockets) socket.pause();
      return Promise.resolve();
    },
    async remove() {
      for (const proxy of proxies) proxy.close();
      for (const socket of sockets) socket.destroy();
      await end(peers);
    },
  });
}

/** Why namespaces cannot be created here, or undefined if they can. */
export async function whyNoNamespaces(): Promise<string | undefined> {
  try {
    await (await createNamespaces()).remove();
    return undefined;
  } catch (error) {
    return String((error as { stderr?: string }).stderr || error).trim();
  }
}

async function startPeer(
  peers: ChildProcess[],
  command: string,
  prefix: string[],
  args: string[],
): Promise<string> {
  const script = fileURLToPath(new URL("peer.mjs", import.meta.url));
  const peer = spawn(command, [...prefix, script, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  peers.push(peer);
  const [line] = (await once(createInterface(peer.stdout), "line")) as [string];
  return line;
}

async function end(peers: readonly ChildProcess[]): Promise<void> {
  for (const peer of peers) {
    if (peer.kill("SIGKILL")) await once(peer, "exit");
  }
}
