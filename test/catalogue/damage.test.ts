import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { examineCatalogue } from '../../src/catalogue/integrity/integrity.ts';
import { corruptionError } from '../../src/migration/corruption.ts';
import { databasesDirectory } from '../../src/plex/dataDirectory.ts';
import { isLong } from '../long.ts';
import { damageKinds, plexOnlyDamageKinds, unseenDamageKinds } from './damageKinds.ts';
import { makeCatalogue, removeScratch, scratchDirectory, versions } from './smallCatalogue.ts';

const scratch = scratchDirectory();
const damaged = join(scratch, 'damaged');

afterAll(() => removeScratch(scratch));

describe.each(Object.entries({ ...versions, older: '1.18.9.2578-513b381af' }))('in a library of the shape of %s', (shape, version) => {
  const sound = join(scratch, shape);
  beforeAll(() => makeCatalogue(sound, { version }));
  beforeEach(() => {
    removeScratch(damaged);
    cpSync(sound, damaged, { recursive: true });
  });

  // Shapes differ in their search tables and in the index of titles; the rest is tried with all of them in the full run.
  it.each(damageKinds.filter(({ name }) => isLong || shape === 'now' || name.includes('titles')))('finds $name', async ({ apply, expected }) => {
    apply(join(damaged, databasesDirectory));
    const report = await examineCatalogue(damaged);
    expect(report.ok).toBe(false);
    expect(corruptionError(report, { what: 'the copy', isStopped: false }).facts.join('\n')).toMatch(expected);
  });

  it.each([...plexOnlyDamageKinds, ...unseenDamageKinds])('does not claim to see $name', async ({ apply }) => {
    apply(join(damaged, databasesDirectory));
    expect((await examineCatalogue(damaged)).ok).toBe(true);
  });
});
