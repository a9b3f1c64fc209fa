import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import { extract } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Source } from '../../src/sources/source.ts';
import { bytePath, textOf } from '../../src/transfer/entry.ts';
import type { Entry } from '../../src/transfer/entry.ts';

/** A source under test, and where its data directory can be seen from here. */
export interface SourceUnderTest {
  readonly source: Source;
  readonly dataDirectory: string;
  /** A file as it would lie on a media share. */
  readonly mediaFile: string;
  close(): Promise<void>;
}

const library = 'Plug-in Support/Databases/com.plexapp.plugins.library.db';

/** Names no program may change: each is made as a file of its own. */
const difficultNames: readonly Buffer[] = [
  'new\nline', '-rf', '--checkpoint-action=exec=false', ' leading and trailing ', 'tab\there', 'back\\slash', 'escaped\\n', '*', '[a]', 'quote"\'', 'é日本', '@file', '$HOME', '#', 'a=b', 'x'.repeat(240),
].map((name) => Buffer.from(name)).concat([Buffer.from([0xff, 0xfe, 0x41]), Buffer.from('cafe\u0301')]);

/** What every source must do. */
export function sourceContract(name: string, make: () => Promise<SourceUnderTest>): void {
  describe(`source: ${name}`, () => {
    let under: SourceUnderTest;
    let source: Source;
    let scratch: string;

    beforeAll(async () => {
      under = await make();
      source = under.source;
      scratch = await mkdtemp('/tmp/plexlift-source-');
      const difficult = Buffer.from(path.join(under.dataDirectory, 'Metadata/difficult'));
      await mkdir(difficult, { recursive: true });
      for (const fileName of difficultNames) await writeFile(Buffer.concat([difficult, Buffer.from('/'), fileName]), fileName);
      await symlink('../no such place', path.join(under.dataDirectory, 'Metadata/difficult/link'));
      await mkdir(path.join(under.dataDirectory, 'Metadata/difficult/empty'), { mode: 0o750 });
    }, 120_000);

    afterAll(async () => {
      await rm(scratch, { recursive: true, force: true });
      await under.close();
    });

    test('describes itself', async () => {
      const facts = await source.describe();
      expect(facts).toMatchObject({ kind: source.kind, name: source.name, dataDirectory: under.dataDirectory });
      expect(facts.processedMachineIdentifier).toMatch(/^[0-9a-f]{40}$/);
      expect(facts.bulkEntries).toBeGreaterThan(difficultNames.length);
      expect(facts.databaseBytes).toBeGreaterThan(0);
      expect(facts.scratchFreeBytes).toBeGreaterThan(0);
      expect(JSON.parse(JSON.stringify(facts))).toEqual(facts);
    });

    test('names its checks apart, and none throws on a sound source', async () => {
      expect(new Set(source.checks.map((check) => check.name)).size).toBe(source.checks.length);
      const failed: unknown[] = [];
      for (const check of source.checks) {
        const finding = await check.run();
        if (finding.status === 'fail') failed.push({ name: check.name, finding });
      }
      expect(failed).toEqual([]);
    });

    test('lists every entry once, with names as bytes', async () => {
      const listed = await allOf(source.tree.list());
      const found = listed.filter(({ path: entry }) => entry.startsWith('Metadata/difficult/')).map(({ path: entry }) => entry.slice('Metadata/difficult/'.length));
      expect(found.toSorted()).toEqual([...difficultNames.map((fileName) => String(bytePath(fileName))), 'link', 'empty'].toSorted());
      expect(new Set(listed.map(({ path: entry }) => entry)).size).toBe(listed.length);
      const facts = await stat(path.join(under.dataDirectory, library));
      const entry = listed.find(({ path: listedPath }) => String(listedPath) === library);
      expect(entry).toMatchObject({ type: 'file', sizeBytes: facts.size, modifiedAtSeconds: Math.floor(facts.mtimeMs / 1000), mode: facts.mode & 0o7777 });
      expect(listed.find(({ path: listedPath }) => listedPath.endsWith('difficult/link'))).toMatchObject({ type: 'link', linkTarget: '../no such place' });
      expect(listed.find(({ path: listedPath }) => listedPath.endsWith('difficult/empty'))).toMatchObject({ type: 'directory', mode: 0o750 });
    });

    test('reads exactly the entries asked for, in that order, as one tar', async () => {
      const entries = (await allOf(source.tree.list())).filter(({ path: entry }) => entry.startsWith('Metadata/difficult/'));
      const process = source.tree.read(entries, { uid: 1234, gid: 4321 });
      const members = await membersOf(process.stdout);
      expect((await process.ended).exitCode).toBe(0);
      expect(members.map(({ name: member }) => member)).toEqual(entries.map((entry) => (entry.type === 'directory' ? `${entry.path}/` : entry.path)));
      for (const [position, member] of members.entries()) {
        const entry = entries[position];
        expect(member).toMatchObject({ uid: 1234, gid: 4321, uname: '', gname: '', mode: entry?.mode, mtimeSeconds: entry?.modifiedAtSeconds });
        expect(member.content.toString('latin1')).toBe(entry?.type === 'file' ? entry.path.slice('Metadata/difficult/'.length) : '');
      }
    });

    test('follows a link to a directory outside, once, and leaves other links as they are', async () => {
      const outside = path.join(scratch, 'other disk');
      await mkdir(path.join(outside, 'Movies'), { recursive: true, mode: 0o755 });
      await writeFile(path.join(outside, 'Movies/poster.jpg'), 'poster');
      await symlink(outside, path.join(outside, 'loop'));
      await mkdir(path.join(scratch, 'third disk'));
      await writeFile(path.join(scratch, 'third disk/banner.jpg'), 'banner');
      await symlink('../third disk', path.join(outside, 'moved on'));
      await symlink(outside, path.join(under.dataDirectory, 'Media moved'));
      await symlink(outside, path.join(under.dataDirectory, 'Media moved again'));
      await symlink(path.join(outside, 'Movies/poster.jpg'), path.join(under.dataDirectory, 'Media poster'));
      await symlink('Metadata/difficult', path.join(under.dataDirectory, 'Media inside'));
      const entries = (await allOf(source.tree.list())).filter(({ path: entry }) => entry.startsWith('Media '));
      expect(Object.fromEntries(entries.map(({ path: entry, type }) => [entry, type]))).toMatchObject({ 'Media poster': 'link', 'Media inside': 'link' });
      const followed = entries.find(({ path: entry, type }) => /^Media moved(?: again)?$/.test(entry) && type === 'directory');
      expect(entries.filter(({ path: entry, type }) => /^Media moved(?: again)?$/.test(entry) && type === 'link')).toHaveLength(1);
      const below = entries.filter(({ path: entry }) => followed !== undefined && entry.startsWith(`${followed.path}/`));
      expect(below.map(({ path: entry, type }) => `${type} ${entry.slice((followed?.path.length ?? 0) + 1)}`).toSorted()).toEqual([
        'directory Movies', 'directory moved on', 'file Movies/poster.jpg', 'file moved on/banner.jpg', 'link loop',
      ]);

      const process = source.tree.read(entries, { uid: 1234, gid: 4321 });
      const members = await membersOf(process.stdout);
      expect((await process.ended).exitCode).toBe(0);
      expect(members.map(({ name: member }) => member)).toEqual(entries.map((entry) => (entry.type === 'directory' ? `${entry.path}/` : entry.path)));
      for (const link of ['Media moved', 'Media moved again', 'Media poster', 'Media inside']) await rm(path.join(under.dataDirectory, link));
    });

    test('gives way to the server while it serves, and to nobody once it is stopped', async () => {
      await writeFile(path.join(under.dataDirectory, 'Media large'), Buffer.alloc(8 << 20));
      const entries = (await allOf(source.treeWhileServing.list())).filter(({ path: entry }) => entry === 'Media large');
      const paces: Record<string, unknown> = {};
      for (const tree of ['treeWhileServing', 'tree'] as const) {
        const reading = source[tree].read(entries, { uid: 0, gid: 0 });
        // Nobody takes what it reads, so it is there to be looked at.
        const pid = await processReading(under.dataDirectory);
        paces[tree] = { nice: os.getPriority(pid), disk: execFileSync('ionice', ['-p', String(pid)], { encoding: 'utf8' }).trim() };
        reading.kill();
        reading.stdout.resume();
        await reading.ended;
      }
      const own = { nice: os.getPriority(), disk: execFileSync('ionice', { encoding: 'utf8' }).trim() };
      expect(paces).toEqual({ treeWhileServing: { nice: 19, disk: 'best-effort: prio 7' }, tree: own });
      await rm(path.join(under.dataDirectory, 'Media large'));
    });

    test('tells by its exit code when an entry vanished', async () => {
      const [entry] = await allOf(source.tree.list());
      if (entry === undefined) throw new Error('The tree is empty');
      for (const type of ['file', 'directory'] as const) {
        const gone: Entry = { ...entry, path: bytePath(Buffer.from('Metadata/never was')), type };
        const process = source.tree.read([gone], { uid: 0, gid: 0 });
        process.stdout.resume();
        const ending = await process.ended;
        expect(ending.exitCode).toBe(2);
        expect(ending.stderrTail).toContain('Metadata/never was: Cannot');
      }
    });

    test.each(['online', 'files'] as const)('takes the catalogue (%s), hashed on both sides, and leaves the data directory as it was', async (method) => {
      const into = path.join(scratch, method);
      await mkdir(path.join(into, path.dirname(library)), { recursive: true });
      await writeFile(path.join(into, `${library}-wal`), 'left over from an earlier try');
      const before = await stateOf(path.join(under.dataDirectory, path.dirname(library)));

      const snapshot = await source.takeCatalogue(into, { method });

      expect(snapshot.method).toBe(method);
      const paths = snapshot.files.map((file) => file.path);
      expect(paths).toContain(library);
      expect(paths).toContain('Preferences.xml');
      for (const file of snapshot.files) {
        const bytes = await readFile(path.join(into, file.path));
        expect({ ...file, sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }).toEqual(file);
      }
      expect(paths.includes(`${library}-wal`)).toBe(before.some(({ file }) => file === `${path.basename(library)}-wal`) && method === 'files');
      const databases = path.dirname(library);
      expect((await readdir(path.join(into, databases))).toSorted()).toEqual(paths.filter((file) => file.startsWith(databases)).map((file) => path.basename(file)).toSorted());
      const rows = new DatabaseSync(path.join(into, library));
      expect(rows.prepare('SELECT count(*) AS count FROM metadata_items').get()?.['count']).toBeGreaterThan(0);
      rows.close();
      expect(await stateOf(path.join(under.dataDirectory, path.dirname(library)))).toEqual(before);
    }, 60_000);

    test('fingerprints the catalogue as it was taken', async () => {
      const into = path.join(scratch, 'fingerprint');
      await mkdir(into);
      const snapshot = await source.takeCatalogue(into, { method: 'files' });
      expect(await source.fingerprintCatalogue()).toEqual(snapshot.files);
    });

    test('samples a media file', async () => {
      const bytes = await readFile(under.mediaFile);
      const sample = await source.sampleMedia(under.mediaFile, 100);
      expect(sample).toEqual({ sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes.subarray(0, 100)).digest('hex') });
      expect(await source.sampleMedia(`${under.mediaFile} that is not there`, 100)).toBeNull();
      expect(await source.sampleMedia(`${under.mediaFile}/below a file`, 100)).toBeNull();
    });

    test('stops asking when it is aborted', async () => {
      const signal = AbortSignal.abort(new Error('interrupted by the person'));
      await expect(allOf(source.tree.list({ signal }))).rejects.toThrow('interrupted by the person');
    });
  });
}

/** Everything a listing gives. */
export async function allOf(entries: AsyncIterable<Entry>): Promise<Entry[]> {
  const all: Entry[] = [];
  for await (const entry of entries) all.push(entry);
  return all;
}

interface Member {
  readonly name: string;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly uname: string | undefined;
  readonly gname: string | undefined;
  readonly mode: number | undefined;
  readonly mtimeSeconds: number;
  readonly content: Buffer;
}

async function membersOf(tar: NodeJS.ReadableStream): Promise<Member[]> {
  const members: Member[] = [];
  const parser = tar.pipe(extract({ filenameEncoding: 'latin1' } as Parameters<typeof extract>[0]));
  for await (const entry of parser) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    const { name, uid, gid, uname, gname, mode, mtime, type } = entry.header;
    members.push({ name: type === 'directory' && !name.endsWith('/') ? `${name}/` : name, uid, gid, uname, gname, mode, mtimeSeconds: (mtime?.getTime() ?? 0) / 1000, content: Buffer.concat(chunks) });
  }
  return members;
}

/** The process id of the tar that reads a data directory. */
async function processReading(dataDirectory: string): Promise<number> {
  for (let look = 0; look < 200; look += 1) {
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      // Processes end while they are looked at.
      const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
      if (words[0] === 'tar' && words.includes(`--directory=${dataDirectory}/`)) return Number(pid);
    }
    await delay(25);
  }
  throw new Error(`No tar reads "${dataDirectory}"`);
}

async function stateOf(directory: string): Promise<readonly { readonly file: string; readonly state: string }[]> {
  const names = (await readdir(directory)).toSorted();
  return Promise.all(
    names.map(async (file) => {
      const facts = await stat(path.join(directory, file), { bigint: true });
      // The index beside a log that is in use holds the locks of its readers, and changes while it is read.
      return { file, state: file.endsWith('-shm') ? 'there' : textOf(bytePath(Buffer.from(`${facts.size} ${facts.mtimeNs} ${facts.ino} ${facts.uid}`))) };
    }),
  );
}
