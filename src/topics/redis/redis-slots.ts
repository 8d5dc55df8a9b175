/** The number of hash slots of a Redis cluster. */
const SLOTS = 16_384;

/** The first and the last slot of a range. */
export type SlotRange = readonly [first: number, last: number];

/** Returns the hash slot of a key or a sharded channel. */
export function slotOf(name: string): number {
  const tag = /\{([^}]+)\}/.exec(name.slice(Math.max(0, name.indexOf("{"))));
  const isTag = tag?.index === 0;
  return crc16(new TextEncoder().encode(isTag ? tag[1] : name)) % SLOTS;
}

/** Reads the slots of one master from the answer of `CLUSTER SLOTS`. */
export function readSlots(answer: unknown, masterId: string): readonly SlotRange[] {
  if (!Array.isArray(answer)) return [];
  return answer.flatMap((entry: unknown): readonly SlotRange[] => {
    if (!Array.isArray(entry)) return [];
    const [first, last, master] = entry as readonly unknown[];
    const isOwn = Array.isArray(master) && String(master[2]) === masterId;
    return isOwn ? [[Number(first), Number(last)]] : [];
  });
}

/** CRC-16 with the polynomial 0x1021 (XMODEM), which the cluster specification of Redis uses. */
function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) {
      crc = (crc & 0x80_00) === 0 ? crc << 1 : (crc << 1) ^ 0x10_21;
    }
    crc &= 0xff_ff;
  }
  return crc;
}
