import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import type { DatabaseSchema } from '../../src/catalogue/schemaMigrations.ts';
import { requireSameSchema, schemaChecks, schemaContext, type SchemaContext } from '../../src/migration/checks/schema.ts';
import { toldByRunningServer } from '../../src/plex/versions.ts';
import type { Finding } from '../../src/runner/check.ts';
import { installedVersion } from '../../src/sources/installedVersion.ts';
import { remedyOf, sourceFacts, targetFacts } from './literalFacts.ts';

const [older, same, newer] = ['1.43.0.10492-121068a07', '1.43.4.10718-1e3cb7a60', '1.44.0.10900-0123456789'] as const;
const schema: DatabaseSchema = { file: 'com.plexapp.plugins.library.db', migrations: 29, reversible: 19, newest: '20260401000000', minimums: ['1.41.0.8992'] };
const source = { name: 'alex@old', version: same, versionFrom: toldByRunningServer(null), running: true };
const ordinary: SchemaContext = { schemas: [schema, { ...schema, file: 'com.plexapp.plugins.library.blobs.db' }], source, willRun: same };

async function finding(name: string, changes: Partial<SchemaContext>): Promise<Finding> {
  const check = schemaChecks.find((candidate) => candidate.name === name);
  if (check === undefined) throw new Error(`there is no check "${name}"`);
  return check.run({ ...ordinary, ...changes });
}

const wanting = (...minimums: readonly string[]): Pick<SchemaContext, 'schemas'> => ({ schemas: [schema, { ...schema, file: 'blobs.db', minimums }] });

const opens: readonly (readonly [title: string, status: Finding['status'], says: string, changes: Partial<SchemaContext>])[] = [
  ['the running source has it open with the same version', 'pass', 'alex@old is running 1.43.4.10718-1e3cb7a60 on these very databases, and the target will run the same; newest migration 20260401000000, 29 in all, 19 of them', {}],
  ['the target runs no server', 'pass', 'no server runs on the target', { willRun: null }],
  ['an older library has no minimums', 'pass', 'newest migration', { schemas: [{ ...schema, minimums: [] }] }],
  ['a minimum of just this version', 'pass', '', wanting('1.43.4.10718', '1.43.4', '1.43')],
  ['a minimum above it', 'fail', '"blobs.db" wants 1.44.0.1 or later; the server that will open them is 1.43.4.10718-1e3cb7a60', wanting('1.44.0.1')],
  ['a minimum above it in the last number', 'fail', 'wants 1.43.4.10719', wanting('1.43.4.10719')],
  ['a minimum with fewer numbers', 'fail', 'wants 1.44 or later', wanting('1.44')],
  ['a minimum that is one large number', 'fail', 'wants 5 or later', wanting('5')],
  ['a minimum that is a migration made here', 'pass', '', wanting('20260401000000')],
  ['a minimum that is a migration nobody here made', 'fail', 'wants a server that knows migration 20260801000000, the newest that any server here made is 20260401000000', wanting('20260801000000')],
  ['a minimum that nobody can read', 'warn', 'cannot tell for certain: they ask for "soon"', wanting('soon')],
  ['a target older than the source', 'fail', 'alex@old serves them with 1.43.4.10718-1e3cb7a60, the target would open them with 1.43.0.10492-121068a07, which is older', { willRun: older }],
  ['a target newer than the source', 'warn', '1.44.0.10900-0123456789 is newer than', { willRun: newer }],
  ['a target newer than the source, that is still too old', 'fail', 'wants 1.45', { ...wanting('1.45'), willRun: newer }],
  ['a stopped source', 'warn', 'cannot tell for certain: nothing runs on them', { source: { ...source, running: false, versionFrom: 'dpkg-query' } }],
  ['a source that was stopped since it told its version', 'warn', 'nothing runs on them', { source: { ...source, running: false } }],
  ['a stopped source with a minimum above it', 'fail', 'wants 1.44.0.1', { ...wanting('1.44.0.1'), source: { ...source, running: false, versionFrom: 'dpkg-query' } }],
  ['a source that runs and does not answer', 'warn', 'the version is told by dpkg-query', { source: { ...source, versionFrom: 'dpkg-query' } }],
  ['a directory whose version a person wrote', 'warn', 'the version is told by the configuration', { source: { ...source, running: false, versionFrom: 'the configuration' }, willRun: null }],
  ['a directory whose version nobody knows', 'warn', 'which version will open them is not known', { source: { ...source, version: null, running: false, versionFrom: 'a directory does not tell it' }, willRun: null }],
  ['a target by a tag that names no version', 'warn', 'which version will open them is not known', { willRun: 'latest' }],
  ['no migration at all', 'warn', 'none of them names a migration', { schemas: [{ ...schema, migrations: 0, newest: null, minimums: [] }] }],
  ['no table for migrations', 'fail', '"com.plexapp.plugins.library.db" has no table "schema_migrations"', { schemas: [{ ...schema, migrations: null, newest: null, minimums: [] }] }],
];

describe('schema-opens-on-target', () => {
  it.each(opens)('%s: %s', async (_, status, says, changes) => {
    const found = await finding('schema-opens-on-target', changes);
    expect(found).toMatchObject({ status });
    expect(found.status === 'skip' ? found.reason : found.detail).toContain(says);
    expect(remedyOf(found)).toMatch(status === 'pass' ? /^$/ : /^.{40}/);
  });

  it('cannot be accepted', () => {
    expect(schemaChecks.find(({ name }) => name === 'schema-opens-on-target')?.acceptable).toBe(false);
  });
});

describe('the version that will open the databases', () => {
  it('is that of the source, to which the target is pinned, and of the target only where that is not known', () => {
    const of = (ours: string | null, theirs: string | null): string | null => schemaContext({ source: sourceFacts({ version: ours }), target: targetFacts({ version: theirs }) }, []).willRun;
    expect([of(same, older), of(same, same), of(same, null), of(null, older), of(null, null)]).toEqual([same, same, null, older, null]);
  });
});

// What the stand-in server refuses, read from its own source so that neither can change alone.
const knownSchemas = Array.from(readFileSync(new URL('../bed/plexServer/version.go', import.meta.url), 'utf8').matchAll(/\{"([\d.]+)", "(\d{14})"\}/g), ([, since = '', migration = '']) => ({ since, migration }));

function compare(left: string, right: string): number {
  const [ours, theirs] = [left, right].map((text) => (text.split('-')[0] ?? '').split('.').map(Number)) as [number[], number[]];
  const place = [0, 1, 2, 3].find((at) => (ours[at] ?? 0) !== (theirs[at] ?? 0));
  return place === undefined ? 0 : (ours[place] ?? 0) - (theirs[place] ?? 0);
}

function latestMigration(version: string): string {
  return knownSchemas.find(({ since }) => compare(version, since) >= 0)?.migration ?? '';
}

/** As refuseNewer of test/bed/plexServer/schema.go. */
function refuses(version: string, { newest, minimums }: Pick<DatabaseSchema, 'newest' | 'minimums'>): boolean {
  const known = latestMigration(version);
  if (newest !== null && newest.length === known.length && newest > known) return true;
  return minimums.some((minimum) => (minimum.length === known.length && !minimum.includes('.') ? minimum > known : compare(minimum, version) > 0));
}

test('whatever the stand-in server refuses is no pass, and what a running source proves is one', async () => {
  expect(knownSchemas.length).toBeGreaterThan(5);
  const versions = ['1.40.2.8395', '1.41.0.8992', '1.43.0.10492-121068a07', '1.43.3.10600', '1.43.4.10718-1e3cb7a60', '1.43.5.10800', '1.44.0.10900'];
  const minimumsOf = ['', '1.41.0.8992', '1.43.4', '1.43.4.10719', '1.44.0.1', '20251201000000', '20260401000000', '20260801000000', '20270101000000'];
  const wrong: string[] = [];
  let [refused, passed] = [0, 0];
  for (const served of versions) {
    for (const willRun of versions) {
      for (const wrote of versions) {
        for (const minimum of minimumsOf) {
          // What wrote the database, and so what the newest migration tells, may be newer than what is installed now: a downgrade.
          const schemas = [{ ...schema, newest: latestMigration(wrote), minimums: minimum === '' ? [] : [minimum] }];
          const running = !refuses(served, { newest: latestMigration(wrote), minimums: minimum === '' ? [] : [minimum] });
          const found = await finding('schema-opens-on-target', { schemas, willRun, source: { ...source, version: served, running, versionFrom: running ? toldByRunningServer(null) : 'dpkg-query' } });
          const label = `${served} served, ${willRun} will run, ${wrote} wrote, minimum "${minimum}": ${found.status}`;
          if (refuses(willRun, { newest: latestMigration(wrote), minimums: minimum === '' ? [] : [minimum] })) {
            refused += 1;
            if (found.status === 'pass' || (running && found.status !== 'fail')) wrong.push(label);
          } else if (running && served === willRun && !/^\d{14}$/.test(minimum)) {
            passed += 1;
            if (found.status !== 'pass') wrong.push(label);
          }
        }
      }
    }
  }
  expect(wrong).toEqual([]);
  expect([refused > 500, passed > 50]).toEqual([true, true]);
});

describe('requireSameSchema', () => {
  const after = (changes: Partial<DatabaseSchema>): (() => void) => () => requireSameSchema({ examined: ordinary.schemas, taken: [schema, { ...schema, file: 'blobs.db', ...changes }] }, source);

  it('lets go on what is as it was examined', () => {
    expect(after({})).not.toThrow();
    expect(after({ migrations: 30 })).not.toThrow();
  });

  it.each([
    ['a newer migration', { newest: '20260801000000' }, 'newest migration then: 20260401000000, now: 20260801000000'],
    ['another minimum', { minimums: ['1.44.0.1'] }, 'they now ask for 1.44.0.1'],
  ])('refuses %s', (_, changes, fact) => {
    expect(after(changes)).toThrow(expect.objectContaining({ kind: 'refused', facts: expect.arrayContaining([fact]) as string[] }) as Error);
  });
});

describe('source-can-return', () => {
  it.each([
    ['what runs is what is installed', 'pass', source.versionFrom, true],
    ['the package was downgraded while the old process runs', 'fail', toldByRunningServer(older), true],
    ['the package was upgraded', 'warn', toldByRunningServer(newer), true],
    ['another build of the same numbers', 'warn', toldByRunningServer('1.43.4.10718-0123456789'), true],
    ['the server does not answer', 'warn', 'dpkg-query', true],
    ['it does not run', 'skip', 'dpkg-query', false],
  ])('%s: %s', async (_, status, versionFrom, running) => {
    expect(await finding('source-can-return', { source: { ...source, versionFrom, running } })).toMatchObject({ status });
  });

  it('says what a downgrade would end in', async () => {
    expect(remedyOf(await finding('source-can-return', { source: { ...source, versionFrom: toldByRunningServer(older) } }))).toContain('rollback could not bring it back');
  });

  it('reads what the look at the source writes', async () => {
    const machine = { run: async () => ({ exitCode: 0, stdout: older, stderr: '', durationMs: 1 }) } as unknown as Parameters<typeof installedVersion>[0];
    const known = await installedVersion(machine, { machineIdentifier: 'x', version: same });
    expect(known.version).toBe(same);
    expect(await finding('source-can-return', { source: { ...source, ...known } })).toMatchObject({ status: 'fail' });
    // The running server is the proof for the target all the same.
    expect(await finding('schema-opens-on-target', { source: { ...source, ...known } })).toMatchObject({ status: 'pass' });
  });
});
