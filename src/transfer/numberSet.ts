/** A set of small whole numbers that takes one bit for each number up to the largest. */
export interface NumberSet {
  add(number: number): void;
  has(number: number): boolean;
  /** How many different numbers were added. */
  size(): number;
}

const initialBytes = 1_024;

/** An empty set. */
export function numberSet(): NumberSet {
  let bits = new Uint8Array(initialBytes);
  let size = 0;
  return {
    add(number) {
      const at = number >> 3;
      if (at >= bits.length) {
        const larger = new Uint8Array(Math.max(at + 1, bits.length * 2));
        larger.set(bits);
        bits = larger;
      }
      const before = bits[at] ?? 0;
      const after = before | (1 << (number & 7));
      if (after !== before) size += 1;
      bits[at] = after;
    },
    has: (number) => ((bits[number >> 3] ?? 0) & (1 << (number & 7))) !== 0,
    size: () => size,
  };
}
