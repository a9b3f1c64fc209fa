/** A stream of values that depends on nothing but its seed and label. */
export interface Random {
  /** A whole number from `least` to `most`, both included. */
  integer(least: number, most: number): number;
  /** True about `probability` of the time, 0 to 1. */
  chance(probability: number): boolean;
  /** One of `choices`, which may not be empty. */
  pick<T>(choices: readonly T[]): T;
  /** `digits` lower-case hexadecimal digits. */
  hex(digits: number): string;
  /** A version 4 UUID. */
  uuid(): string;
  /** `sizeBytes` bytes of noise. */
  bytes(sizeBytes: number): Buffer;
}

/** Makes the stream of `seed` and `label`: a new user of randomness takes its own label, so that it shifts nobody else's values. */
export function createRandom(seed: number, label: string): Random {
  let state = hashOf(`${seed}/${label}`);

  // mulberry32: 32 bits of state are enough here, and it is fast without BigInt.
  function word(): number {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }
  function integer(least: number, most: number): number {
    return least + Math.floor((word() / 0x1_0000_0000) * (most - least + 1));
  }
  function pick<T>(choices: readonly T[]): T {
    const chosen = choices[integer(0, choices.length - 1)];
    if (chosen === undefined) throw new Error('Cannot pick from an empty list');
    return chosen;
  }
  function hex(digits: number): string {
    let text = '';
    while (text.length < digits) text += word().toString(16).padStart(8, '0');
    return text.slice(0, digits);
  }
  function uuid(): string {
    const text = hex(32);
    return `${text.slice(0, 8)}-${text.slice(8, 12)}-4${text.slice(13, 16)}-${'89ab'.charAt(integer(0, 3))}${text.slice(17, 20)}-${text.slice(20)}`;
  }
  function bytes(sizeBytes: number): Buffer {
    const buffer = Buffer.allocUnsafe(sizeBytes);
    let offset = 0;
    for (; offset + 4 <= sizeBytes; offset += 4) buffer.writeUInt32LE(word(), offset);
    for (; offset < sizeBytes; offset += 1) buffer[offset] = word() & 0xff;
    return buffer;
  }
  return { integer, chance: (probability) => word() < probability * 0x1_0000_0000, pick, hex, uuid, bytes };
}

// FNV-1a, 32 bits.
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash | 0;
}
