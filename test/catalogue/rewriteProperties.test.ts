import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { rewriteDatabase } from '../../src/catalogue/rewrite/rewrite.ts';
import { libraryDatabase } from '../../src/plex/dataDirectory.ts';
import { invertMapping, parseMapping, type MappingPair } from '../../src/plex/pathMapping.ts';
import { makeScratchDirectory } from '../bed/library/scratch.ts';
import { bare, naivePath, naiveUrl, nastyPairs, nastyPath, nastyUrl, tries } from '../plex/nastyMappings.ts';
import { contentOf } from './databaseContent.ts';
import { makePathLibrary, places, readPathRows, type Cell, type PathRow, type Place } from './pathLibrary.ts';

const scratch = makeScratchDirectory('plexlift-rewrite-');
const file = join(scratch, libraryDatabase);
const allPlaces = Object.keys(places) as readonly Place[];

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

type Rows = Readonly<Record<Place, readonly PathRow[]>>;

const rowid = fc.oneof({ weight: 5, arbitrary: fc.bigInt(1n, 200n) }, { weight: 1, arbitrary: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n) }, { weight: 1, arbitrary: fc.constantFrom(-(2n ** 63n), -1n, 0n, 2n ** 53n + 1n, 2n ** 63n - 1n) });
const other: fc.Arbitrary<Cell> = fc.oneof(
  fc.constant(null),
  fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
  fc.double({ noNaN: true }).filter((value) => !Number.isInteger(value)),
  fc.uint8Array({ maxLength: 6 }).map((bytes) => ({ blob: Buffer.from(bytes) })),
);

function rowsFor(pairs: readonly MappingPair[], place: Place): fc.Arbitrary<readonly PathRow[]> {
  const bytes = places[place] === 'path' ? nastyPath(pairs) : nastyUrl(pairs);
  const text = bytes.map((value): Cell => ({ text: value }));
  const blob = bytes.map((value): Cell => ({ blob: value }));
  // A column of type varchar makes text of a number; what is stored then is what counts.
  const path = fc.oneof({ weight: 8, arbitrary: text }, { weight: 1, arbitrary: blob }, { weight: 1, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.constant({ text: Buffer.alloc(0) }) });
  const beside = fc.oneof(other, text);
  return fc.uniqueArray(fc.record({ rowid, path, beside: fc.tuple(beside, beside) }), { maxLength: 12, selector: (row) => row.rowid });
}

const scenes: fc.Arbitrary<{ readonly pairs: readonly MappingPair[]; readonly rows: Rows; readonly journal: 'DELETE' | 'WAL'; readonly fileGuids: 'leave' | 'rewrite' }> = nastyPairs.chain((pairs) =>
  fc.record({
    pairs: fc.constant(pairs),
    rows: fc.record(Object.fromEntries(allPlaces.map((place) => [place, rowsFor(pairs, place)])) as Record<Place, fc.Arbitrary<readonly PathRow[]>>),
    journal: fc.constantFrom('DELETE', 'WAL'),
    fileGuids: fc.constantFrom('leave', 'rewrite'),
  }),
);

function textOf(cell: Cell): Buffer | null {
  return cell !== null && typeof cell === 'object' && 'text' in cell ? cell.text : null;
}

function expectation(rows: readonly PathRow[], place: Place, pairs: readonly MappingPair[]): { readonly rows: readonly PathRow[]; readonly counts: object } {
  const naive = (way: readonly MappingPair[], value: Buffer): Buffer | null => (places[place] === 'path' ? naivePath(way, value) : naiveUrl(way, value));
  const counts = { rows: 0, changed: 0, uncovered: 0, irreversible: 0 };
  const back = pairs.map(({ from, to }) => ({ from: to, to: from }));
  const expected = rows.toSorted((left, right) => (left.rowid < right.rowid ? -1 : 1)).map((row): PathRow => {
    const value = textOf(row.path);
    if (value === null || value.length === 0 || (places[place] === 'file url' && !value.toString('latin1').startsWith('file:///'))) return row;
    const moved = naive(pairs, value);
    const after = moved ?? value;
    counts.rows += 1;
    if (moved === null) counts.uncovered += 1;
    if (!after.equals(value)) counts.changed += 1;
    // With the pairs in either order: where two share a target, at most one of the orders comes out right.
    const ways = [back, back.toReversed()].map((way) => way.filter(({ from }, at) => way.findIndex((pair) => bare(pair.from) === bare(from)) === at));
    if (!ways.every((way) => (naive(way, after) ?? after).equals(value))) counts.irreversible += 1;
    return { ...row, path: { text: after } };
  });
  return { rows: expected, counts };
}

function fresh(): void {
  for (const name of readdirSync(scratch)) rmSync(join(scratch, name));
}

describe('a database of any rows, rewritten with any mapping', () => {
  it('holds cell by cell what a second telling of the rule says, counted rightly, and comes back where nothing is irreversible', async () => {
    let reversed = 0;
    await fc.assert(
      fc.asyncProperty(scenes, async ({ pairs, rows, journal, fileGuids }) => {
        fresh();
        makePathLibrary(file, rows, { journal });
        const original = contentOf(file);
        const mapping = parseMapping(pairs);
        const { columns } = await rewriteDatabase(file, { mapping, fileGuids });
        for (const place of allPlaces) {
          const isLeft = fileGuids === 'leave' && place.endsWith('.guid');
          const expected = expectation(rows[place], place, isLeft ? [] : pairs);
          expect(readPathRows(file, place), place).toEqual(expected.rows);
          const counted = columns.find(({ table, column }) => `${table}.${column}` === place);
          const { rows: counts, changed, uncovered, irreversible } = counted ?? {};
          expect({ rows: counts, changed, uncovered, irreversible }, place).toEqual(isLeft ? {} : expected.counts);
          expect(counted?.byRule.reduce((sum, rule) => sum + rule.rows, counted.uncovered)).toBe(counts);
        }
        const after = contentOf(file);
        expect([after['sqlite_master'], after['settings'], after['fts4_metadata_titles_icu']]).toEqual([original['sqlite_master'], original['settings'], original['fts4_metadata_titles_icu']]);
        expect(readdirSync(scratch)).toEqual([libraryDatabase]);
        if (columns.some(({ irreversible }) => irreversible > 0) || new Set(pairs.map(({ to }) => bare(to))).size < pairs.length) return;
        reversed += 1;
        await rewriteDatabase(file, { mapping: invertMapping(mapping), fileGuids });
        expect(contentOf(file)).toEqual(original);
      }),
      tries(150, 3_000),
    );
    expect(reversed).toBeGreaterThan(10);
  });
});
