/** The long run: `npm run chaos -- --minutes 10 --protocol HTTP/2 --seed 1`. */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { PROTOCOLS, runChaos } from "./run.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string" },
    peers: { type: "string", default: "100" },
    protocol: { type: "string", multiple: true },
  },
});
const [minutes, peersPerRound] = [Number(values.minutes), Number(values.peers)];
const seed = Number(values.seed ?? randomInt(2 ** 30));
const chosen = PROTOCOLS.filter((name) => values.protocol?.includes(name) ?? true);
if (!(minutes > 0) || !(peersPerRound > 0) || !Number.isInteger(seed) || chosen.length === 0) {
  throw new Error(
    `usage: npm run chaos -- --minutes N --seed N --peers N --protocol ${PROTOCOLS.join("|")}`,
  );
}

console.log(`Node.js ${process.version}, seed ${seed}: repeat this run with --seed ${seed}`);
for (const protocol of chosen) {
  const endMs = performance.now() + (minutes * 60_000) / chosen.length;
  const { rounds, peers, violations } = await runChaos({
    protocol,
    seed,
    peersPerRound,
    isOver: () => performance.now() > endMs,
    onProgress: (line) => console.log(line),
  });
  console.log(`${protocol}: ${rounds} rounds, ${peers} peers, ${violations.length} violations`);
  for (const violation of violations.slice(0, 20)) console.error(violation);
  if (violations.length > 0) process.exitCode = 1;
}
