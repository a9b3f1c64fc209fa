import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { adaptation, type Fared } from '../../src/transfer/adaptation.ts';
import { segmentLimits } from '../../src/transfer/plan.ts';

const usual: Fared = { entries: 8_000, bytes: 64 * 1024 * 1024, durationMs: 5_000, retries: 0 };

/** Lets windows pass in which each segment takes as long as `secondsEach` says for what is in flight. */
function simulated(options: { readonly isBusy?: () => boolean; readonly inFlight?: number; readonly secondsEach: (inFlight: number) => number }) {
  let nowMs = 0;
  const adapted = adaptation({ isBusy: options.isBusy ?? (() => false), now: () => nowMs, ...(options.inFlight === undefined ? {} : { inFlight: options.inFlight }) });
  return {
    ...adapted,
    pass(windows: number): readonly number[] {
      return Array.from({ length: windows }, () => {
        for (let segment = 0; segment < 6; segment += 1) {
          nowMs += (1_000 * options.secondsEach(adapted.inFlight())) / adapted.inFlight();
          adapted.landed(usual);
        }
        return adapted.inFlight();
      });
    },
  };
}

describe('segments in flight', () => {
  test('grow while each more brings something, up to four', () => {
    const { pass, inFlight } = simulated({ secondsEach: () => 4 });
    expect(inFlight()).toBe(2);
    expect(pass(8).at(-1)).toBe(4);
    expect(Math.max(...pass(30))).toBe(4);
  });

  test('stay at two where three bring nothing, and are not tried again for a while', () => {
    const { pass } = simulated({ secondsEach: (inFlight) => 2 * inFlight });
    expect(pass(12)).toEqual([3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2]);
  });

  test('are not increased while this computer is busy', () => {
    const { pass } = simulated({ isBusy: () => true, secondsEach: () => 4 });
    expect(new Set(pass(20))).toEqual(new Set([2]));
  });

  test('are what was asked for, where something was', () => {
    const { pass } = simulated({ inFlight: 1, secondsEach: () => 4 });
    expect(new Set(pass(20))).toEqual(new Set([1]));
  });

  test('go back to two when something fails', () => {
    const { pass, landed, inFlight } = simulated({ secondsEach: () => 4 });
    pass(8);
    landed({ ...usual, retries: 1 });
    expect(inFlight()).toBe(2);
    expect(new Set(pass(6))).toEqual(new Set([2]));
  });
});

describe('the size of a segment', () => {
  function fresh() {
    return adaptation({ isBusy: () => true, now: () => 0 });
  }

  test('is what was measured to begin with', () => {
    expect(fresh().limits()).toEqual(segmentLimits);
  });

  test.each([
    ['one was lost', { ...usual, retries: 1 }],
    ['one took more than a minute', { ...usual, durationMs: 61_000 }],
  ])('is halved when %s, and comes back when they are quick again', (_what, fared) => {
    const { limits, landed } = fresh();
    landed(fared);
    expect(limits()).toEqual({ entries: segmentLimits.entries / 2, bytes: segmentLimits.bytes / 2 });
    landed({ ...usual, durationMs: 30_000 });
    expect(limits().entries).toBe(segmentLimits.entries / 2);
    landed(usual);
    expect(limits()).toEqual(segmentLimits);
  });

  test('is the smaller the more are in flight', () => {
    const { pass, limits, inFlight } = simulated({ secondsEach: () => 4 });
    for (const [wanted, part] of [[3, 2 / 3], [4, 1 / 2]] as const) {
      while (inFlight() < wanted) pass(1);
      expect(limits()).toEqual({ entries: segmentLimits.entries * part, bytes: Math.floor(segmentLimits.bytes * part) });
    }
  });

  test('stays within bounds, whatever happens, and so does what is in flight', () => {
    const fared = fc.record({ entries: fc.integer({ min: 1, max: 8_000 }), bytes: fc.integer({ min: 0, max: 1e10 }), durationMs: fc.integer({ min: 0, max: 600_000 }), retries: fc.constantFrom(...Array.from({ length: 30 }, () => 0), 1, 3), tookMs: fc.integer({ min: 0, max: 100_000 }) });
    fc.assert(
      fc.property(fc.array(fared, { maxLength: 200 }), (all) => {
        let nowMs = 0;
        const { limits, landed, inFlight } = adaptation({ isBusy: () => false, now: () => nowMs });
        for (const { tookMs, ...one } of all) {
          nowMs += tookMs;
          landed(one);
          expect(limits().entries).toBeGreaterThanOrEqual(segmentLimits.entries / 8);
          expect(limits().entries).toBeLessThanOrEqual(segmentLimits.entries);
          expect(inFlight()).toBeGreaterThanOrEqual(1);
          expect(inFlight()).toBeLessThanOrEqual(4);
          // What they hold together never grows: memory is to stay flat.
          expect(inFlight() * limits().entries).toBeLessThanOrEqual(2 * segmentLimits.entries);
          expect(inFlight() * limits().bytes).toBeLessThanOrEqual(2 * segmentLimits.bytes);
        }
      }),
    );
  });
});
