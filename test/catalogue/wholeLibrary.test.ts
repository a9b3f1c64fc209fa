import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { coverCatalogue } from '../../src/catalogue/coverage.ts';
import { examineCatalogue } from '../../src/catalogue/integrity/integrity.ts';
import { libraryCounts, type LibraryCounts } from '../../src/catalogue/libraryCounts.ts';
import { mediaPaths } from '../../src/catalogue/mediaPaths.ts';
import { proveRewrite } from '../../src/catalogue/proof/proof.ts';
import { rewriteCatalogue } from '../../src/catalogue/rewrite/rewrite.ts';
import { settleCatalogue } from '../../src/catalogue/integrity/settle.ts';
import { parseMapping } from '../../src/plex/pathMapping.ts';
import { makeLibrary } from '../bed/library/makeLibrary.ts';
import { databaseOf, pairs, removeScratch, scratchDirectory, versions } from './smallCatalogue.ts';

const scratch = scratchDirectory();
const mapping = parseMapping(pairs);

function withoutRoots(counts: LibraryCounts): LibraryCounts {
  return { ...counts, libraries: counts.libraries.map((library) => ({ ...library, roots: [] })) };
}

afterAll(() => removeScratch(scratch));

describe('a whole library', () => {
  it.each(Object.entries(versions))('goes through examination, rewrite and proof (%s)', { timeout: 60_000 }, async (name, version) => {
    const root = join(scratch, name);
    mkdirSync(root);
    const from = join(root, 'data');
    const into = join(root, 'rewritten');
    const facts = await makeLibrary({ dataDirectory: from, mediaDirectory: join(root, 'media'), optimizedDirectory: join(root, 'optimized'), items: 100, version });
    await settleCatalogue(from);
    expect(await examineCatalogue(from)).toMatchObject({ ok: true, missing: [] });
    const coverage = await coverCatalogue(from, { mapping, fileGuids: 'leave' });
    expect(coverage.roots.filter(({ rule }) => rule === null)).toEqual([]);
    expect(coverage.foreignAgents.map(({ agent }) => agent)).toEqual([facts.thirdPartyAgent]);
    const mentioned = facts.pathMentions.map(({ table, column }) => `${table}.${column}`).toSorted();
    const found = coverage.unknownPaths.flatMap(({ table, column, rows }) => Array.from({ length: rows }, () => `${table}.${column}`)).toSorted();
    expect(found).toEqual(mentioned);
    const guids = coverage.columns.find(({ table, column }) => table === 'metadata_items' && column === 'guid');
    expect(guids?.byRule.reduce((sum, { rows }) => sum + rows, 0)).toBe(facts.localExtras.length);
    const { preferences } = await rewriteCatalogue({ from, into, mapping, fileGuids: 'leave', friendlyName: null });
    const proof = await proveRewrite({ before: from, after: into, pairs, fileGuids: 'leave', edits: preferences.edits });
    expect(proof).toMatchObject({ ok: true, differences: [] });
    expect(await examineCatalogue(into)).toMatchObject({ ok: true });

    const after = await coverCatalogue(into, { mapping, fileGuids: 'leave' });
    expect(after.columns.filter(({ rewritten }) => rewritten).flatMap(({ byRule }) => byRule.map(({ rows }) => rows))).toEqual([0, 0, 0, 0, 0, 0]);
    for await (const { path } of mediaPaths(databaseOf(into), null)) expect(path.toString()).toMatch(/^\/media\/(?:library|optimized)\//);
    const [countedBefore, countedAfter] = [await libraryCounts(databaseOf(from)), await libraryCounts(databaseOf(into))];
    const { users, playlists, collections, libraries } = countedBefore;
    expect({ users, playlists, collections, libraries: libraries.map(({ name, uuid, roots }) => ({ name, uuid, roots })) }).toEqual({
      users: facts.users.length,
      playlists: facts.playlists.length,
      collections: facts.collections.length,
      libraries: facts.libraries.map(({ name, uuid, roots }) => ({ name, uuid, roots })),
    });
    expect(withoutRoots(countedAfter)).toEqual(withoutRoots(countedBefore));
  });
});
