import { copyFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import * as rewriting from '../../src/catalogue/rewrite/rewrite.ts';
import { databaseOf, makeCatalogue, removeScratch, scratchDirectory, tamper } from '../catalogue/smallCatalogue.ts';
import { plexliftIn } from './commandLine.ts';
import { maps, stateOf } from './handRewrite.ts';

// Only to spoil what the real rewrite made, as a mistake in it would: no input is known that brings one about.
vi.mock('../../src/catalogue/rewrite/rewrite.ts', { spy: true });

const { rewriteDatabase, rewriteCatalogue } = await vi.importActual<typeof rewriting>('../../src/catalogue/rewrite/rewrite.ts');
let place: string;

beforeEach(() => {
  place = scratchDirectory();
  makeCatalogue(join(place, 'old'));
  copyFileSync(databaseOf(join(place, 'old')), join(place, 'old.db'));
});
afterEach(() => {
  vi.restoreAllMocks();
  removeScratch(place);
});

test.each([
  { old: 'old.db', spoil: "UPDATE accounts SET name = 'x' WHERE id = 7", says: 'old.db, table accounts, column name, row 7: ' },
  { old: 'old', spoil: "UPDATE media_parts SET file = '/elsewhere' WHERE id = 1", says: 'com.plexapp.plugins.library.db, table media_parts, column file, row 1: ' },
])('a rewrite of $old that is not proven does not become NEW: exit 5', async ({ old, spoil, says }) => {
  vi.mocked(rewriting.rewriteDatabase).mockImplementation(async (file, options) => {
    const done = await rewriteDatabase(file, options);
    tamper(file, spoil);
    return done;
  });
  vi.mocked(rewriting.rewriteCatalogue).mockImplementation(async (options) => {
    const done = await rewriteCatalogue(options);
    tamper(databaseOf(options.into), spoil);
    return done;
  });
  const before = stateOf(place);
  const { exitCode, stdout, stderr } = await plexliftIn(place, ['rewrite', old, 'new', ...maps]);
  expect(exitCode).toBe(5);
  expect(stdout).toContain('NOT proven: 1 difference\n');
  expect(stdout).toContain(says);
  expect(stdout).toContain('NEW was not made, and OLD is as it was');
  expect(stderr).not.toContain('Next: ');
  expect(stateOf(place)).toEqual(before);
  expect(readdirSync(place)).not.toContain('new');
});
