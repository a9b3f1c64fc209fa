import { chmodSync, existsSync, lstatSync, mkdirSync, openSync, closeSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { thisComputer } from '../../src/machines/localMachine.ts';
import { gateClient } from '../../src/targets/gate/gate.ts';
import type { Gate } from '../../src/targets/gate/gate.ts';
import { gateScriptPath } from '../../src/targets/gate/gateScript.ts';
import type { Owner } from '../../src/transfer/entry.ts';
import { mountShare, whyNoShare } from '../bed/share/fuseShare.ts';
import { dataPath, ownUser, temporaryDirectory } from './gateVolume.ts';
import { file } from './landingTree.ts';

const isRoot = ownUser().uid === 0;

async function openVolume(options: { readonly owner?: Owner; readonly environment?: Record<string, string>; readonly anyDirectoryIsAMount?: boolean } = {}) {
  const root = temporaryDirectory();
  chmodSync(root, 0o755);
  const gate = gateClient({ machine: thisComputer(), script: ['sh', gateScriptPath], root, owner: ownUser(), ...options });
  await gate.open('r1');
  return { root, gate, landing: join(root, '.plexlift/r1', dataPath) };
}

async function lookedUp(gate: Gate, paths: readonly string[]): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const finding of gate.lookUp(paths)) found[finding.path] = `${finding.status} ${String(finding.sizeBytes)}`;
  return found;
}

/** A directory of programs that come before the real ones. */
function programs(scripts: Readonly<Record<string, string>>): string {
  const directory = temporaryDirectory();
  chmodSync(directory, 0o755);
  for (const [name, script] of Object.entries(scripts)) writeFileSync(join(directory, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return directory;
}

describe('media', () => {
  test('are present with their size, missing, or unreadable, whatever their names', async () => {
    const media = temporaryDirectory();
    const names = ['plain', 'line\nbreak', "it's \"quoted\": No such file or directory", 'ünï', '-n', 'x: Permission denied'];
    for (const name of names) file(join(media, name), name);
    mkdirSync(join(media, 'a directory'));
    const { gate } = await openVolume();
    const absent = names.map((name) => join(media, `not ${name}`));
    const found = await lookedUp(gate, [...absent, ...names.map((name) => join(media, name)), join(media, 'plain/below'), join(media, 'a directory')]);
    for (const name of names) expect(found[join(media, name)]).toBe(`present ${Buffer.byteLength(name)}`);
    for (const path of absent) expect(found[path]).toBe('missing null');
    expect(found[join(media, 'plain/below')]).toBe('missing null');
    expect(found[join(media, 'a directory')]).toMatch(/^unreadable/);
    expect(await lookedUp(gate, [])).toEqual({});
    await expect(lookedUp(gate, ['relative/path'])).rejects.toThrow('no absolute path');
  });

  test('more than one batch keeps its order', async () => {
    const { gate } = await openVolume();
    const media = temporaryDirectory();
    file(join(media, '1234'), 'x');
    const paths = Array.from({ length: 2_345 }, (_, number) => join(media, String(number)));
    const found = await lookedUp(gate, paths);
    expect(Object.keys(found)).toEqual(paths);
    expect(Object.entries(found).filter(([, status]) => status !== 'missing null')).toEqual([[join(media, '1234'), 'present 1']]);
  });

  test.skipIf(!isRoot)("are seen with the eyes of Plex's user", async () => {
    const media = temporaryDirectory();
    chmodSync(media, 0o755);
    file(join(media, 'private'), 'x', { mode: 0o600 });
    file(join(media, 'open'), 'x');
    file(join(media, 'closed/inside'), 'x');
    chmodSync(join(media, 'closed'), 0o700);
    const { gate } = await openVolume({ owner: { uid: 65_534, gid: 65_534 } });
    expect(await lookedUp(gate, ['private', 'open', 'closed/inside', 'gone'].map((name) => join(media, name)))).toEqual({
      [join(media, 'private')]: 'unreadable 1',
      [join(media, 'open')]: 'present 1',
      [join(media, 'closed/inside')]: 'unreadable null',
      [join(media, 'gone')]: 'missing null',
    });
    await expect(gate.sampleMedia(join(media, 'private'), 10)).rejects.toThrow('Cannot read');
  });

  test('are sampled by their first bytes', async () => {
    const media = temporaryDirectory();
    file(join(media, '-film'), 'x'.repeat(100_000));
    const { gate } = await openVolume();
    const digest = (bytes: number): string => createHash('sha256').update('x'.repeat(bytes)).digest('hex');
    expect(await gate.sampleMedia(join(media, '-film'), 4_096)).toEqual({ sizeBytes: 100_000, sha256: digest(4_096) });
    expect(await gate.sampleMedia(join(media, '-film'), 4_000_000)).toEqual({ sizeBytes: 100_000, sha256: digest(100_000) });
    expect(await gate.sampleMedia(join(media, 'gone'), 10)).toBeNull();
  });
});

describe('mounts', () => {
  test('answer, are empty, absent, or no mount at all', async () => {
    const place = temporaryDirectory();
    file(join(place, 'full of/media'), 'x');
    mkdirSync(join(place, 'empty'));
    const paths = [join(place, 'full of'), join(place, 'empty'), join(place, 'gone'), join(place, 'full of/media')];
    const { gate } = await openVolume({ anyDirectoryIsAMount: true });
    expect((await gate.mounts(paths)).map(({ status }) => status)).toEqual(['answers', 'empty', 'absent', 'absent']);
    expect((await gate.mounts(['/proc', '/etc'])).map(({ path, status }) => [path, status])).toEqual([['/proc', 'answers'], ['/etc', 'answers']]);
    const { gate: strict } = await openVolume();
    expect((await strict.mounts(['/proc/sys', '/etc'])).map(({ status }) => status)).toEqual(['answers', 'not a mount']);
    expect((await strict.mounts(['/proc']))[0]?.detail).toContain('mounted at /proc');
  });

  test('that hang are told, even when no signal ends what hangs, and the verb ends', { timeout: 30_000 }, async () => {
    const path = programs({ timeout: 'trap "" TERM; exec sleep 25' });
    const { gate } = await openVolume({ environment: { PATH: `${path}:${process.env['PATH'] ?? ''}` } });
    const begun = performance.now();
    expect((await gate.mounts(['/proc']))[0]).toMatchObject({ status: 'hangs', detail: expect.stringContaining('10 s') as string });
    expect(performance.now() - begun).toBeLessThan(20_000);
  });
});

/** A share with a film, and whose process is stopped while it answers the next question. */
async function hangingShare() {
  const [shown, seen] = [temporaryDirectory(), temporaryDirectory()];
  for (const directory of [shown, seen]) chmodSync(directory, 0o755);
  file(join(shown, 'film'), 'x');
  const share = await mountShare(shown, seen);
  onTestFinished(async () => share.unmount());
  share.hang();
  return { share, seen, film: join(seen, 'film') };
}

describe.skipIf(whyNoShare !== '')(`a share that hangs in the kernel, where no signal reaches${whyNoShare}`, () => {
  const owner = isRoot ? { uid: 65_534, gid: 65_534 } : ownUser();

  test('is told as a mount, and answers again', { timeout: 40_000 }, async () => {
    const { gate } = await openVolume({ owner, anyDirectoryIsAMount: true });
    const { share, seen, film } = await hangingShare();
    const begun = performance.now();
    expect(await gate.mounts([seen])).toEqual([{ path: seen, status: 'hangs', detail: `no answer within 10 s (fuse from share, mounted at ${seen})`, mountPointsBelow: [] }]);
    expect(performance.now() - begun).toBeLessThan(20_000);
    share.answer();
    expect((await gate.mounts([seen]))[0]?.status).toBe('answers');
    expect(await gate.sampleMedia(film, 10)).toMatchObject({ sizeBytes: 1 });
    await share.die();
    expect((await gate.mounts([seen]))[0]).toMatchObject({ status: 'unreadable', detail: expect.stringContaining('Transport endpoint is not connected') as string });
  });

  test('ends a look-up, and calls nothing missing', { timeout: 60_000 }, async () => {
    const { gate } = await openVolume({ owner });
    const { film } = await hangingShare();
    const media = temporaryDirectory();
    chmodSync(media, 0o755);
    file(join(media, 'here'), 'x');
    const begun = performance.now();
    await expect(lookedUp(gate, [join(media, 'here'), film])).rejects.toMatchObject({ kind: 'failed', message: expect.stringContaining('a share does not answer any more') as string, facts: [`nothing was heard about "${join(media, 'here')}" and the files after it`] });
    expect(performance.now() - begun).toBeLessThan(45_000);
  });
});

describe('databases', () => {
  const verdict = `[ "$2" = "PRAGMA integrity_check;" ] || exit 9
case "$1" in */scratch.databases/*) ;; *) exit 8 ;; esac
echo changed >>"$1-shm" || exit 7
cat "$1"; [ ! -e "$1-wal" ] || cat "$1-wal"
case "$(cat "$1")" in broken*) exit 3 ;; esac`;

  test("are checked by Plex's SQLite on copies", async () => {
    const sqlite = join(programs({ 'Plex SQLite': verdict }), 'Plex SQLite');
    const { root, gate, landing } = await openVolume({ environment: { PLEXLIFT_PLEX_SQLITE: sqlite }, ...(isRoot ? { owner: { uid: 65_534, gid: 65_534 } } : {}) });
    const alarm = 'unable to validate the inverted index for FTS4 table main.fts4_metadata_titles_icu: SQL logic error';
    const contents = { 'a b.db': 'ok\n', 'alarm.db': `${alarm}\n`, 'damaged.db': `${alarm}\nrow 1 missing from index x\n`, 'broken.db': 'broken\n', 'empty.db': '' };
    for (const [name, content] of Object.entries(contents)) file(join(landing, 'Databases', name), content, { mode: 0o600 });
    const before = readdirSync(join(landing, 'Databases'));
    const paths = [...Object.keys(contents).map((name) => `Databases/${name}`), 'Databases/gone.db'];
    const found = await gate.checkDatabases(paths);
    expect(found.map(({ path }) => path)).toEqual(paths);
    expect(found.map(({ finding }) => finding.status)).toEqual(['pass', 'warn', 'fail', 'fail', 'fail', 'fail']);
    expect(found[2]?.finding).toMatchObject({ detail: expect.stringContaining('row 1 missing') as string });
    expect(readdirSync(join(landing, 'Databases'))).toEqual(before);
    expect(existsSync(join(root, '.plexlift/scratch.databases'))).toBe(false);
  });

  test('are checked together with their write-ahead log', async () => {
    const sqlite = join(programs({ 'Plex SQLite': verdict }), 'Plex SQLite');
    const { gate, landing } = await openVolume({ environment: { PLEXLIFT_PLEX_SQLITE: sqlite } });
    file(join(landing, 'x.db'), '');
    file(join(landing, 'x.db-wal'), 'ok\n');
    expect((await gate.checkDatabases(['x.db']))[0]?.finding.status).toBe('pass');
  });

  test("are skipped where there is no Plex SQLite", async () => {
    const { gate } = await openVolume({ environment: { PLEXLIFT_PLEX_SQLITE: '/nowhere/Plex SQLite' } });
    expect(await gate.checkDatabases(['x.db'])).toMatchObject([{ path: 'x.db', finding: { status: 'skip' } }]);
  });
});

describe('the volume', () => {
  test('tells its room', async () => {
    const { gate } = await openVolume();
    const room = await gate.room();
    expect(room.freeBytes).toBeGreaterThan(1_000_000);
    expect(room.freeInodes).toBeGreaterThan(100);
    expect(room.fileSystem).toMatch(/^[a-z0-9.]+$/);
  });

  test('tells the identity of a library that is there, and nothing secret', async () => {
    const { root, gate } = await openVolume();
    expect(await gate.identity()).toEqual({ present: false, machineIdentifier: null, sizeBytes: null });
    const preferences = '<Preferences AnonymousMachineIdentifier="a" ProcessedMachineIdentifier="p" PlexOnlineToken="secret"\n MachineIdentifier="the one"\tFriendlyName="x"/>\n';
    file(join(root, dataPath, 'Preferences.xml'), preferences);
    expect(await gate.identity()).toEqual({ present: true, machineIdentifier: 'the one', sizeBytes: expect.any(Number) as number });
  });

  test('keeps a copy of the journal, whole or not at all', async () => {
    const { root, gate } = await openVolume();
    await gate.keepJournal(Buffer.from('one\n'));
    await gate.keepJournal(Buffer.from('one\ntwo\n'));
    expect(readFileSync(join(root, '.plexlift/journal.ndjson'), 'utf8')).toBe('one\ntwo\n');
    expect(readdirSync(join(root, '.plexlift')).filter((name) => name.includes('.new'))).toEqual([]);
  });

  test('pages a listing that is larger than one answer', { timeout: 20_000 }, async () => {
    const { gate, landing } = await openVolume();
    const deep = Array.from({ length: 14 }, (_, depth) => String.fromCharCode(97 + depth).repeat(250)).join('/');
    for (let number = 0; number < 1_300; number++) file(join(landing, deep, String(number)), '');
    const names = new Set<string>();
    for await (const entry of gate.landed()) names.add(entry.path);
    expect(names.size).toBe(1_300 + 14);
  });
});

describe('publish and what follows', () => {
  async function landedVolume() {
    const volume = await openVolume();
    file(join(volume.landing, 'Preferences.xml'), '<Preferences a="1"/>', { mode: 0o640 });
    return { ...volume, preferences: join(volume.root, dataPath, 'Preferences.xml') };
  }

  test('waits for mounts that show their sentinels', async () => {
    const { gate } = await landedVolume();
    const media = temporaryDirectory();
    const sentinels = [{ mount: media, path: join(media, 'film'), sizeBytes: 5 }, { mount: media, path: join(media, 'broken\nname'), sizeBytes: 5 }];
    const seal = { run: 'r1', existingLibrary: 'none', sentinels } as const;
    await expect(gate.publish(seal)).rejects.toMatchObject({ reason: 'mount', kind: 'refused', message: expect.stringContaining(media) as string });
    expect(await gate.state()).toEqual({ phase: 'landing', run: 'r1' });
    file(join(media, 'film'), '12345');
    await gate.publish(seal);
    expect(await gate.state()).toEqual({ phase: 'published', run: 'r1' });
    await expect(gate.publish({ ...seal, sentinels: sentinels.slice(1) })).rejects.toThrow('line break');
  });

  test('leaves alone a library that a server has open', async () => {
    const { root, gate, preferences } = await landedVolume();
    file(join(root, dataPath, 'database'), 'x');
    const open = openSync(join(root, dataPath, 'database'), 'r');
    const seal = { run: 'r1', existingLibrary: 'set aside', sentinels: [] } as const;
    try {
      await expect(gate.publish(seal)).rejects.toMatchObject({ reason: 'in use', facts: expect.anything() as unknown });
    } finally {
      closeSync(open);
    }
    await gate.publish(seal);
    const again = openSync(preferences, 'r');
    try {
      await expect(gate.writePreferences(Buffer.from('<Preferences/>'))).rejects.toMatchObject({ reason: 'in use' });
      await gate.hold('r1');
      await expect(gate.withdraw('r1')).rejects.toMatchObject({ reason: 'in use' });
    } finally {
      closeSync(again);
    }
  });

  test('preferences are replaced with owner and mode kept', async () => {
    const { gate, preferences } = await landedVolume();
    await expect(gate.readPreferences()).rejects.toMatchObject({ reason: 'phase' });
    await gate.publish({ run: 'r1', existingLibrary: 'none', sentinels: [] });
    expect((await gate.readPreferences()).toString()).toBe('<Preferences a="1"/>');
    await gate.writePreferences(Buffer.from('<Preferences a="2"/>'));
    expect(readFileSync(preferences, 'utf8')).toBe('<Preferences a="2"/>');
    expect(lstatSync(preferences).mode & 0o7777).toBe(0o640);
    await expect(gate.writePreferences(Buffer.alloc(0))).rejects.toMatchObject({ reason: 'input' });
    expect(readFileSync(preferences, 'utf8')).toBe('<Preferences a="2"/>');
    expect(readdirSync(dirname(preferences))).toEqual(['Preferences.xml']);
  });
});
