import { WebSocket } from "tideway";
import { expect } from "vitest";
import type { RunningProgram } from "../../support/bundled-program.ts";

/** The port that the program has printed. */
export async function portOf(program: RunningProgram): Promise<string> {
  await expect.poll(() => program.stdout || program.stderr, { timeout: 20_000 }).toMatch(/^\d+\n$/);
  return program.stdout.trim();
}

/** Connects until two processes have answered, with an echo each. Expects the fast handshake in both. */
export async function expectTwoProcesses(port: string): Promise<void> {
  const pids = new Set<number>();
  const sockets: WebSocket[] = [];
  await expect
    .poll(async () => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
      sockets.push(socket);
      const { pid, slow } = JSON.parse((await socket.onMessage.first).data as string) as {
        pid: number;
        slow: number;
      };
      expect(slow).toBe(0);
      pids.add(pid);
      return pids.size;
    })
    .toBe(2);
  for (const socket of sockets) {
    const echoed = socket.onMessage.first;
    socket.send("echo");
    expect((await echoed).data).toBe("echo");
    socket.close();
    await socket.onClose.first;
  }
  const page = await fetch(`http://127.0.0.1:${port}/`);
  expect([...pids]).toContain(Number(await page.text()));
}
