import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { numberSet } from '../../src/transfer/numberSet.ts';

test('has what was added, and nothing else', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50_000)), fc.array(fc.nat(100_000)), (added, asked) => {
      const set = numberSet();
      for (const number of added) set.add(number);
      expect(asked.map((number) => set.has(number))).toEqual(asked.map((number) => added.includes(number)));
      expect(added.every((number) => set.has(number))).toBe(true);
      expect(set.size()).toBe(new Set(added).size);
    }),
  );
});
