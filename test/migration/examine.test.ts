import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fileDigests } from '../../src/catalogue/digests.ts';
import { databaseSchemas } from '../../src/catalogue/schemaMigrations.ts';
import { PlexliftError } from '../../src/errors.ts';
import { thisComputer } from '../../src/machines/localMachine.ts';
import { coverageChecks } from '../../src/migration/checks/coverage.ts';
import { clearScratch, createRunDirectory, runDirectoryAt } from '../../src/migration/runDirectory.ts';
import { backUp } from '../../src/migration/steps/backUp.ts';
import type { Examined } from '../../src/migration/steps/examine.ts';
import { examine } from '../../src/migration/steps/examine.ts';
import { takeCatalogue } from '../../src/migration/steps/takeCatalogue.ts';
import { blobsDatabase, databasesDirectory, libraryDatabase } from '../../src/plex/dataDirectory.ts';
import { parseMapping } from '../../src/plex/pathMapping.ts';
import { directorySource } from '../../src/sources/directory.ts';
import type { Source } from '../../src/sources/source.ts';
import type { ListingAhead } from '../../src/transfer/listingAhead.ts';
import type { Manifest } from '../../src/transfer/manifest.ts';
import { damageKinds } from '../catalogue/damageKinds.ts';
import { makeCatalogue, pairs, removeScratch, scratchDirectory, tamper } from '../catalogue/smallCatalogue.ts';
import { recorder, sourceFacts, stepTools, targetFacts, thrownBy } from './literalFacts.ts';

const scratch = scratchDirectory();
const sound = join(scratch, 'sound');
const live = join(scratch, 'live');
const directory = runDirectoryAt(join(scratch, 'run'));
const alarm = 'unable to validate the inverted index for FTS4 table main.fts4_metadata_titles_icu: SQL logic error';

beforeAll(() => makeCatalogue(sound));
beforeEach(() => {
  for (const place of [live, directory.root]) removeScratch(place);
  cpSync(sound, live, { recursive: true });
  createRunDirectory(directory);
  clearScratch(directory);
});
afterAll(() => removeScratch(scratch));

/** A source whose own Plex SQLite says these lines of each database; a function says what it throws. */
function sourceThatSays(ownSqlite: Readonly<Record<string, readonly string[] | Error>> | null): Source & { readonly asked: readonly string[] } {
  const asked: string[] = [];
  return {
    ...directorySource(thisComputer(), { directory: live }),
    kind: 'systemd',
    name: 'alex@old',
    asked,
    async checkWithOwnSqlite(file) {
      if (ownSqlite === null) return null;
      const name = file.slice(file.lastIndexOf('/') + 1);
      asked.push(name);
      const said = ownSqlite[name] ?? ['ok'];
      if (said instanceof Error) throw said;
      return said;
    },
  };
}

const mapped = { pairs, mapping: parseMapping(pairs), fileGuids: 'leave', accepted: new Set(coverageChecks.map(({ name }) => name)), record: recorder().record } as const;

/** Backs up and examines; gives back the result and the notes. */
async function examined(source: Source): Promise<{ readonly result: Examined; readonly notes: readonly string[] }> {
  const tools = stepTools({ inspect: { source: sourceFacts(), target: targetFacts() } });
  await backUp.run({ source, directory, ...tools });
  const result = await examine.run({ source, directory, ...mapped, ...tools });
  return { result, notes: tools.notes };
}

describe('damage stops the run before anything is stopped, names its place, and leaves the source as it is:', () => {
  test.each(damageKinds.filter(({ inLog }, place) => inLog === true || place % 6 === 0))('$name', async ({ apply, expected }) => {
    apply(join(live, databasesDirectory));
    const before = await fileDigests(live);
    const error = await thrownBy(examined(sourceThatSays(null)));
    expect(error).toMatchObject({ kind: 'refused', remedy: expect.stringContaining('was not stopped') as string });
    expect((error as PlexliftError).facts.join('\n')).toMatch(expected);
    expect(await fileDigests(live)).toEqual(before);
  });
});

describe("the source's own Plex SQLite", () => {
  test('is asked about every database, and what it said is kept', async () => {
    const source = sourceThatSays({});
    const { result, notes } = await examined(source);
    expect(source.asked).toEqual([blobsDatabase, libraryDatabase]);
    expect(result.ownSqlite).toEqual([blobsDatabase, libraryDatabase].map((file) => ({ file, verdict: 'sound', lines: ['ok'] })));
    expect(notes.join('\n')).toContain('a dated backup, is damaged and is moved as it is: the file is not a database');
  });

  test('is not there: then nobody is said to have been asked', async () => {
    expect((await examined(sourceThatSays(null))).result.ownSqlite).toBeNull();
  });

  test('says what it is known to say of sound libraries: a note, and no damage', async () => {
    const { result, notes } = await examined(sourceThatSays({ [libraryDatabase]: [alarm] }));
    expect(result.ownSqlite?.find(({ file }) => file === libraryDatabase)).toEqual({ file: libraryDatabase, verdict: 'false report', lines: [alarm] });
    expect(notes.join('\n')).toContain(`${libraryDatabase}: the source's own Plex SQLite says what it is known to say of sound libraries: ${alarm}`);
  });

  test.each([
    { what: 'damage in a companion', said: ['row 3 missing from index index_title_sort_icu'], fact: `${blobsDatabase}: row 3 missing from index index_title_sort_icu` },
    { what: 'a report that differs from the known one', said: [alarm.replace('SQL logic error', 'database disk image is malformed')], fact: `${blobsDatabase}: unable to validate` },
    { what: 'nothing at all', said: [], fact: `${blobsDatabase}: it said nothing, not even "ok"` },
    { what: 'an end that names damage', said: new PlexliftError('failed', 'Cannot check', { remedy: '', facts: ['Error: in prepare, database disk image is malformed (11)'] }), fact: `${blobsDatabase}: Error: in prepare, database disk image is malformed (11)` },
  ])('finds $what: refused, with its words', async ({ said, fact }) => {
    const error = await thrownBy(examined(sourceThatSays({ [blobsDatabase]: said })));
    expect(error).toMatchObject({ kind: 'refused', message: "Cannot go on: Plex's own SQLite on alex@old finds damage that no other SQLite can see", remedy: expect.stringContaining('was not stopped') as string });
    expect((error as PlexliftError).facts[0]).toContain(fact);
  });

  test('could not do its work: that is no damage, and the same command goes on', async () => {
    const full = new PlexliftError('failed', 'Cannot check', { remedy: 'Make room', facts: ['No space left on device'] });
    expect(await thrownBy(examined(sourceThatSays({ [libraryDatabase]: full })))).toBe(full);
  });
});

describe('the final copy', () => {
  const begun: string[] = [];

  async function context({ rehearsal = false, running = false }: { readonly rehearsal?: boolean; readonly running?: boolean } = {}) {
    const tools = stepTools({ inspect: { source: sourceFacts(), target: targetFacts() }, examine: { schemas: await databaseSchemas(sound) } });
    const listingAhead: ListingAhead = { begin: ({ treeName }) => void begun.push(treeName), take: async () => null, close: async () => undefined };
    return { source: { ...sourceThatSays(null), isRunning: async () => running }, directory, manifest: () => ({}) as Manifest, rehearsal, listingAhead, ...tools };
  }

  beforeEach(() => {
    begun.length = 0;
  });

  test('is refused where a newer server wrote it since it was examined', async () => {
    tamper(join(live, databasesDirectory, libraryDatabase), "INSERT INTO schema_migrations(version) VALUES ('20990101000000')");
    const error = await thrownBy(takeCatalogue.run(await context()));
    expect(error).toMatchObject({ kind: 'refused', message: expect.stringContaining('were converted after they were examined') as string, facts: ['newest migration then: 20260315240000, now: 20990101000000'] });
  });

  test('is examined by the same standard, and the source is said to be stopped', async () => {
    damageKinds.find(({ name }) => name === 'a write-ahead log torn in the middle')?.apply(join(live, databasesDirectory));
    const error = await thrownBy(takeCatalogue.run(await context()));
    expect(error).toMatchObject({ kind: 'refused', message: 'Cannot go on: the final copy of the databases shows damage', remedy: expect.stringMatching(/Plex on the source is stopped, .*"plexlift rollback".*the "-wal" \(or/) as string });
    expect((error as PlexliftError).facts[0]).toContain('later commits cannot be read');
  });

  test('keeps what was taken, and settles only a copy of it', async () => {
    const taken = await takeCatalogue.run(await context());
    expect(Object.keys(taken.settled)).toContain(`${databasesDirectory}/${libraryDatabase}`);
    expect(await fileDigests(directory.taken)).toEqual(await fileDigests(live));
  });

  test('is taken while the bulk is listed for what changed since, and only where the source stays at rest', async () => {
    await takeCatalogue.run(await context());
    expect(begun).toEqual(['bulk']);
    await takeCatalogue.run(await context({ running: true }));
    await takeCatalogue.run(await context({ rehearsal: true }));
    expect(begun).toEqual(['bulk']);
  });
});
