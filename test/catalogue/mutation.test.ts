import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { proveRewrite, type ProofReport } from '../../src/catalogue/proof/proof.ts';
import { rewriteCatalogue } from '../../src/catalogue/rewrite/rewrite.ts';
import { isSidecar } from '../../src/plex/dataDirectory.ts';
import { parseMapping } from '../../src/plex/pathMapping.ts';
import type { PreferenceEdit } from '../../src/plex/preferences.ts';
import { createRandom, type Random } from '../bed/library/random.ts';
import { cases, seed } from '../long.ts';
import { makeMutableCatalogue, quickDirectory } from './mutableCatalogue.ts';
import type { Mutate, Mutation, Place } from './mutation.ts';
import { mutateBackup, mutatePath, mutatePreferences } from './mutationOfFiles.ts';
import { mutateCell, mutateRow } from './mutationOfRows.ts';
import { mutateIndex, mutateSequence, mutateSetting, mutateTrigger } from './mutationOfSchema.ts';
import { pairs, removeScratch } from './smallCatalogue.ts';

// How often each kind is picked.
const kinds = [
  [mutateCell, 5],
  [mutateRow, 3],
  [mutateIndex, 3],
  [mutatePath, 2],
  [mutatePreferences, 2],
  [mutateTrigger, 1],
  [mutateSequence, 1],
  [mutateSetting, 1],
  [mutateBackup, 1],
] as const satisfies readonly (readonly [Mutate, number])[];

const picks = kinds.flatMap(([kind, times]) => Array.from({ length: times }, () => kind));

const variants = (['now', 'before'] as const).flatMap((version) => (['leave', 'rewrite'] as const).map((fileGuids) => ({ version, fileGuids })));
const start = seed(20_261_123);
const scratch = quickDirectory();
afterAll(() => removeScratch(scratch));

describe.each(variants)('the proof of a rewritten catalogue ($version, $fileGuids)', ({ version, fileGuids }) => {
  const before = join(scratch, version, fileGuids, 'taken');
  const sound = join(scratch, version, fileGuids, 'rewritten');
  const after = join(scratch, version, fileGuids, 'changed');
  let edits: readonly PreferenceEdit[] = [];

  beforeAll(async () => {
    makeMutableCatalogue(before, version);
    for (const into of [sound, after]) edits = (await rewriteCatalogue({ from: before, into, mapping: parseMapping(pairs), fileGuids, friendlyName: null })).preferences.edits;
  });
  const prove = (): Promise<ProofReport> => proveRewrite({ before, after, pairs, fileGuids, edits });

  it('finds nothing where nothing was changed', async () => {
    expect(await prove()).toMatchObject({ ok: true, differences: [], notProven: [] });
  });

  it(`catches and names each of ${cases(15, 250)} changes`, { timeout: 600_000 }, async () => {
    const random = createRandom(start, `${version} ${fileGuids}`);
    const missed: string[] = [];
    for (let made = 1; made <= cases(15, 250); made += 1) {
      const mutation = change(random, { sound, place: { after, fileGuids } });
      const proof = await prove();
      // What a hand leaves beside a file would be told too, and is no part of the change.
      const isFair = !proof.differences.some(({ file }) => isSidecar(file));
      const isNamed = !proof.ok && proof.differences.some(mutation.isNamedBy) && !JSON.stringify(proof).includes('s3cret');
      if (!isFair || !isNamed) missed.push(`seed ${start}, change ${made}: ${mutation.what}; found ${JSON.stringify(proof.differences.slice(0, 5))}`);
    }
    expect(missed).toEqual([]);
  });
});

function change(random: Random, { sound, place }: { readonly sound: string; readonly place: Place }): Mutation {
  for (;;) {
    removeScratch(place.after);
    cpSync(sound, place.after, { recursive: true });
    const mutation = random.pick(picks)(random, place);
    if (mutation !== null) return mutation;
  }
}
