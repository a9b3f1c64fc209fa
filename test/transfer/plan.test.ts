import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytePathOfText, type BytePath, type Entry } from '../../src/transfer/entry.ts';
import { contentBytes, deepestFirst, inPathOrder, parentOf, runsOf, runsWithDirectories, segmentLimits } from '../../src/transfer/plan.ts';

function entryWith(part: Partial<Entry>): Entry {
  return { path: bytePathOfText('x'), type: 'file', sizeBytes: 0, modifiedAtSeconds: 0, changedAt: '0', mode: 0o644, ...part };
}

const someEntry = fc
  .record({ path: fc.string({ minLength: 1 }).map(bytePathOfText), type: fc.constantFrom<Entry['type'][]>('file', 'link', 'directory'), sizeBytes: fc.integer({ min: 0, max: 300 }) })
  .map(entryWith);
const someLimits = fc.record({ entries: fc.integer({ min: 1, max: 10 }), bytes: fc.integer({ min: 1, max: 200 }) });

test('runs are the entries in their order, each within the limits unless it is one entry', () => {
  fc.assert(
    fc.property(fc.array(someEntry), someLimits, (entries, limits) => {
      const runs = [...runsOf(entries, limits)];
      expect(runs.flat()).toEqual(entries);
      for (const run of runs) {
        expect(run.length).toBeGreaterThan(0);
        expect(run.length).toBeLessThanOrEqual(limits.entries);
        const bytes = run.reduce((sum, entry) => sum + contentBytes(entry), 0);
        expect(run.filter((entry) => contentBytes(entry) > 0).length === 1 || bytes <= limits.bytes).toBe(true);
      }
    }),
  );
});

test('no two neighbouring runs would fit into one', () => {
  fc.assert(
    fc.property(fc.array(someEntry), someLimits, (entries, limits) => {
      const runs = [...runsOf(entries, limits)];
      for (const [position, run] of runs.entries()) {
        const next = runs[position + 1]?.[0];
        if (next === undefined) continue;
        const bytes = [...run, next].reduce((sum, entry) => sum + contentBytes(entry), 0);
        expect(run.length === limits.entries || bytes > limits.bytes).toBe(true);
      }
    }),
  );
});

test('a file larger than a segment is one of its own, also beyond 8 GiB', () => {
  const huge = entryWith({ sizeBytes: 9 * 1024 ** 3 });
  const small = entryWith({ sizeBytes: 1 });
  expect([...runsOf([small, huge, small], segmentLimits)]).toEqual([[small], [huge], [small]]);
});

test('plans lazily: takes no more from the listing than one run and one entry', () => {
  let taken = 0;
  function* endless(): Generator<Entry> {
    for (;;) {
      taken += 1;
      yield entryWith({});
    }
  }
  const runs = runsOf(endless(), { entries: 10, bytes: 100 });
  runs.next();
  expect(taken).toBe(11);
});

test('directories come before the directories that hold them', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.constantFrom('a', 'b', '-'), { minLength: 1, maxLength: 5 })), (paths) => {
      const sorted = paths.map((names) => entryWith({ path: bytePathOfText(names.join('/')), type: 'directory' })).toSorted(deepestFirst);
      for (const [position, { path }] of sorted.entries()) {
        for (const later of sorted.slice(position + 1)) expect(later.path.startsWith(`${path}/`)).toBe(false);
      }
    }),
  );
});

describe('directories in the segment of what is in them', () => {
  function withDirectories(leaves: readonly Entry[]): readonly Entry[] {
    const directories = new Set(leaves.flatMap(({ path }) => pathsAbove(path)));
    return [...leaves, ...Array.from(directories, (path) => entryWith({ path, type: 'directory' }))].toSorted(inPathOrder);
  }

  function pathsAbove(path: BytePath): readonly BytePath[] {
    const parent = parentOf(path);
    return parent === null ? [] : [parent, ...pathsAbove(parent)];
  }

  // "!" sorts before "/", so that "a!" stands between "a" and what is in it.
  const somePath = fc.array(fc.constantFrom('a', 'a!', 'b'), { minLength: 1, maxLength: 5 }).map((names) => bytePathOfText(names.join('/')));

  test('each leaf comes once and in order; a directory is there only behind all that is in it, all of it in the same run', () => {
    fc.assert(
      fc.property(fc.uniqueArray(somePath, { maxLength: 40 }), fc.integer({ min: 1, max: 12 }), (paths, most) => {
        const isDirectory = (path: BytePath): boolean => paths.some((other) => other.startsWith(`${path}/`));
        const leaves = paths.filter((path) => !isDirectory(path)).map((path) => entryWith({ path })).toSorted(inPathOrder);
        const runs = [...runsWithDirectories(withDirectories(leaves), () => ({ entries: most, bytes: 1e9 }))];
        expect(runs.flat().filter(({ type }) => type === 'file')).toEqual(leaves);
        const directories = runs.flat().filter(({ type }) => type === 'directory').map(({ path }) => path);
        expect(new Set(directories).size).toBe(directories.length);
        for (const run of runs) {
          for (const [position, { path, type }] of run.entries()) {
            if (type !== 'directory') continue;
            const inside = runs.flat().filter((other) => other.path.startsWith(`${path}/`));
            expect(inside.length).toBeGreaterThan(0);
            for (const other of inside) expect(run.slice(0, position)).toContain(other);
          }
        }
      }),
    );
  });

  test('all of them, where everything is one run', () => {
    const leaves = ['a/b/c', 'a/d', 'a!/x', 'e'].map((path) => entryWith({ path: bytePathOfText(path) }));
    const runs = [...runsWithDirectories(withDirectories(leaves), () => segmentLimits)];
    expect(runs.map((run) => run.map(({ path }) => path))).toEqual([['a!/x', 'a/b/c', 'a/d', 'e', 'a!', 'a/b', 'a']]);
  });

  test('none that is not to be sent, and none that has nothing to send in it', () => {
    const directory = (path: string) => entryWith({ path: bytePathOfText(path), type: 'directory' });
    const entries = [directory('a/empty'), entryWith({ path: bytePathOfText('a/file') }), directory('b')];
    expect([...runsWithDirectories(entries, () => segmentLimits)].flat().map(({ path }) => path)).toEqual(['a/file']);
    expect([...runsWithDirectories([directory('b')], () => segmentLimits)]).toEqual([]);
  });
});
