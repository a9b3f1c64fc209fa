import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { OpenRequest, Target } from '../../src/targets/target.ts';
import { bytePathOfText, type BytePath, type Entry } from '../../src/transfer/entry.ts';
import type { Segment } from '../../src/transfer/segment.ts';
import { entriesOf, file, hostileTree, tarOf } from '../targets/landingTree.ts';

/** A target of its own for one test, with a volume that holds nothing yet. */
export interface TargetUnderTest {
  readonly target: Target;
  /** A directory here, and the path under which the target sees the same files. */
  readonly media: { readonly here: string; readonly there: string };
  /** A file below the volume's root, e.g. `Library/…`; null when it is missing. */
  readFile(path: string): Promise<Buffer | null>;
  writeFile(path: string, content: string): Promise<void>;
}

/** How the suite may be told about a kind that differs. */
export interface TargetContractOptions {
  readonly timeoutMs?: number;
}

const data = 'Library/Application Support/Plex Media Server';
const run = 'run-1';

/** What every `Target` promises. `make` is called once a test; it cleans up by `onTestFinished`. */
export function targetContract(name: string, make: () => Promise<TargetUnderTest>, options: TargetContractOptions = {}): void {
  describe(`target contract: ${name}`, { timeout: options.timeoutMs ?? 30_000 }, () => {
    async function opened() {
      const bed = await make();
      const before = await bed.target.describe();
      const request: OpenRequest = { run, version: before.version, before };
      await bed.target.open(request);
      return { ...bed, before, request };
    }

    /** A tree here as one segment, delivered. */
    async function delivered(bed: { readonly target: Target }, owner: Segment['owner'], fill: (directory: string) => void) {
      const directory = mkdtempSync(join(tmpdir(), 'plexlift-contract-'));
      onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
      fill(directory);
      const segment: Segment = { name: 'segment-1', owner, entries: entriesOf(directory) };
      await bed.target.receive(segment, tarOf(directory, segment));
      const sha256 = createHash('sha256').update(await buffer(tarOf(directory, segment))).digest('hex');
      return { segment, sha256, directory };
    }

    function smallLibrary(directory: string): void {
      file(join(directory, 'Preferences.xml'), '<Preferences MachineIdentifier="new"/>', { mode: 0o600 });
      file(join(directory, 'mark'), 'new');
    }

    test('it can be described before anything, as JSON, and that changes nothing', async () => {
      const { target, readFile } = await make();
      const facts = await target.describe();
      expect(facts.kind).toBe(target.kind);
      expect(facts.existingLibrary).toMatchObject({ present: false, machineIdentifier: null });
      expect(JSON.parse(JSON.stringify(facts))).toEqual(facts);
      expect(await target.describe()).toMatchObject({ before: facts.before, owner: facts.owner });
      expect(await readFile('.plexlift/state')).toBeNull();
      await target.close();
    });

    test('every check runs and none fails on a sound target; names are unique', async () => {
      const { target } = await make();
      const found = await Promise.all(target.checks.map(async (check) => ({ name: check.name, finding: await check.run() })));
      expect(found.filter(({ finding }) => finding.status === 'fail')).toEqual([]);
      expect(new Set(found.map((check) => check.name)).size).toBe(found.length);
    });

    test('open may be repeated, and what landed before stays', async () => {
      const bed = await opened();
      expect(await bed.target.state()).toEqual({ phase: 'landing', run });
      const { segment, sha256 } = await delivered(bed, bed.before.owner, smallLibrary);
      await bed.target.open(bed.request);
      expect(await bed.target.state()).toEqual({ phase: 'landing', run });
      expect(await bed.target.receiptOf(segment)).toMatchObject({ segment: segment.name, sha256 });
      expect((await bed.target.room()).freeBytes).toBeGreaterThan(0);
    });

    test('what was sent arrives with any name, and is read back equal', async () => {
      const bed = await opened();
      const { segment, sha256 } = await delivered(bed, bed.before.owner, hostileTree);
      expect(await bed.target.receiptOf(segment)).toMatchObject({ segment: segment.name, sha256 });
      expect(await bed.target.receiptOf({ ...segment, name: 'segment-2' })).toBeNull();
      const landed = new Map<string, unknown>();
      for await (const { path, type, mode, modifiedAtSeconds, linkTarget } of bed.target.landed()) landed.set(path, { type, mode, modifiedAtSeconds, linkTarget });
      expect(landed).toEqual(new Map(segment.entries.map(({ path, type, mode, modifiedAtSeconds, linkTarget }) => [path, { type, mode, modifiedAtSeconds, linkTarget }])));
      await expectSomeLanded(bed.target, segment.entries);
      const digests = await bed.target.digestsOf([bytePathOfText('empty'), bytePathOfText('not there')]);
      expect([...digests]).toEqual([['empty', createHash('sha256').digest('hex')]]);
      await bed.target.remove([bytePathOfText('empty'), bytePathOfText('not there')]);
      expect((await bed.target.digestsOf([bytePathOfText('empty')])).size).toBe(0);
      // Nor is an earlier receipt one for a later try.
      await bed.target.receive(segment, tarOfNothing()).catch(() => undefined);
      expect(await bed.target.receiptOf(segment)).toBeNull();
    });

    test('media are looked up and sampled as the target sees them', async () => {
      const bed = await opened();
      file(join(bed.media.here, 'Films/A film.mkv'), 'x'.repeat(5_000));
      const film = `${bed.media.there}/Films/A film.mkv`;
      const gone = `${bed.media.there}/Films/gone.mkv`;
      const found = [];
      for await (const finding of bed.target.lookUp([gone, film])) found.push(finding);
      expect(found).toEqual([
        { path: gone, status: 'missing', sizeBytes: null },
        { path: film, status: 'present', sizeBytes: 5_000 },
      ]);
      expect(await bed.target.sampleMedia(film, 1_000)).toEqual({ sizeBytes: 5_000, sha256: createHash('sha256').update('x'.repeat(1_000)).digest('hex') });
      expect(await bed.target.sampleMedia(gone, 1_000)).toBeNull();
      expect((await bed.target.mounts([bed.media.there, '/no/such/mount'])).map(({ status }) => status)).toEqual(['answers', 'absent']);
    });

    test('publish makes the landing area the library; it may be repeated', async () => {
      const bed = await opened();
      await delivered(bed, bed.before.owner, smallLibrary);
      await bed.target.keepJournal(Buffer.from('{"kept":true}\n'));
      const seal = { run, existingLibrary: 'none', sentinels: [] } as const;
      await bed.target.publish(seal);
      await bed.target.publish(seal);
      expect(await bed.target.state()).toEqual({ phase: 'published', run });
      expect((await bed.readFile(`${data}/mark`))?.toString()).toBe('new');
      expect((await bed.readFile('.plexlift/journal.ndjson'))?.toString()).toBe('{"kept":true}\n');
      expect((await bed.target.describe()).existingLibrary).toMatchObject({ present: true, machineIdentifier: 'new' });
    });

    test('preferences are edited in the published library', async () => {
      const bed = await opened();
      await delivered(bed, bed.before.owner, smallLibrary);
      await bed.target.publish({ run, existingLibrary: 'none', sentinels: [] });
      await bed.target.editPreferences((bytes) => Buffer.from(bytes.toString().replace('/>', ' Added="1"/>')));
      expect((await bed.readFile(`${data}/Preferences.xml`))?.toString()).toContain(' Added="1"');
    });

    test('a library that is there is kept without consent, set aside with it, and comes back', async () => {
      const bed = await make();
      await bed.writeFile(`${data}/mark`, 'old');
      await bed.writeFile(`${data}/Preferences.xml`, '<Preferences MachineIdentifier="old"/>');
      const before = await bed.target.describe();
      expect(before.existingLibrary).toMatchObject({ present: true, machineIdentifier: 'old' });
      await bed.target.open({ run, version: before.version, before });
      await delivered(bed, before.owner, smallLibrary);
      await expect(bed.target.publish({ run, existingLibrary: 'none', sentinels: [] })).rejects.toMatchObject({ kind: 'refused' });
      expect((await bed.readFile(`${data}/mark`))?.toString()).toBe('old');
      await bed.target.publish({ run, existingLibrary: 'set aside', sentinels: [] });
      expect((await bed.readFile(`${data}/mark`))?.toString()).toBe('new');
      const withdrawn = await bed.target.withdraw({ runs: [run], before });
      expect(withdrawn.length).toBeGreaterThan(0);
      expect(await bed.target.withdraw({ runs: [run], before })).toEqual(withdrawn);
      expect((await bed.readFile(`${data}/mark`))?.toString()).toBe('old');
      for (const _ of [1, 2]) await bed.target.restore(before);
      expect((await bed.target.describe()).existingLibrary).toEqual(before.existingLibrary);
      expect((await bed.readFile(`${data.replace('Library', `Library.withdrawn-${run}`)}/mark`))?.toString()).toBe('new');
    });

    test('withdraw and restore are safe when nothing was published, and leave no library', async () => {
      const bed = await opened();
      await delivered(bed, bed.before.owner, smallLibrary);
      expect(await bed.target.withdraw({ runs: [run], before: bed.before })).toEqual([]);
      await bed.target.restore(bed.before);
      await bed.target.restore(bed.before);
      expect((await bed.target.describe()).existingLibrary.present).toBe(false);
    });

    test('finish takes away the landing area, keeps the library, and may be repeated', async () => {
      const bed = await opened();
      await delivered(bed, bed.before.owner, smallLibrary);
      await bed.target.publish({ run, existingLibrary: 'none', sentinels: [] });
      expect((await bed.target.finish({ runs: [run], before: bed.before })).length).toBeGreaterThan(0);
      await bed.target.finish({ runs: [run], before: bed.before });
      expect((await bed.readFile(`${data}/mark`))?.toString()).toBe('new');
      expect(await bed.readFile(`.plexlift/${run}/receipts/segment-1.list`)).toBeNull();
      await bed.target.close();
    });
  });
}

function tarOfNothing() {
  return tarOf('/', { name: 'nothing', owner: { uid: 0, gid: 0 }, entries: [] });
}

/** Of some directories, what is in these and at the top is read back, and nothing else. */
async function expectSomeLanded(target: Target, entries: readonly Entry[]): Promise<void> {
  const directories = entries.filter(({ type }) => type === 'directory').map(({ path }) => path);
  const chosen = [...directories.filter((_, position) => position % 2 === 0), bytePathOfText('not there')];
  const found: string[] = [];
  for await (const { path } of target.landed(chosen)) found.push(path);
  const isIn = (path: BytePath): boolean => !path.includes('/') || chosen.includes(path.slice(0, path.lastIndexOf('/')) as BytePath);
  expect(found.toSorted()).toEqual(entries.map(({ path }) => path).filter(isIn).toSorted());
  expect(found.length).toBeLessThan(entries.length);
}
