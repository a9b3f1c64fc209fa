import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { thisComputer } from '../../src/machines/localMachine.ts';
import type { Process } from '../../src/machines/machine.ts';
import { localTree } from '../../src/sources/dataDirectory.ts';
import { bytePathOfText, type Entry, type Tree } from '../../src/transfer/entry.ts';
import { sampleReading } from '../../src/transfer/readingSample.ts';
import { scene } from './scene.ts';

const { signal } = new AbortController();

test('what belongs to the bulk and to the catalogue is counted, and all of a small tree is read', async () => {
  const stage = scene();
  for (let file = 0; file < 700; file += 1) stage.write(`Metadata/${file % 7}/${file}`, Buffer.alloc(1_000, file));
  stage.write('Plug-in Support/Databases/com.plexapp.plugins.library.db', Buffer.alloc(5_000));
  stage.write('Logs/log', Buffer.alloc(9_000));
  const sample = await sampleReading(localTree(thisComputer(), { directory: stage.source }), { signal });
  // With Metadata, its seven directories, and the one above the databases.
  expect(sample).toMatchObject({ whole: { entries: 709, bytes: 700_000 }, databaseBytes: 5_000 });
  expect(sample.groups.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(700_000);
  expect(sample.groups.reduce((sum, { entries }) => sum + entries, 0)).toBe(709);
  expect(sample.listingMs).toBeGreaterThan(0);
});

/** A tree of so many files of a size, whose tar comes at once, or never ends. */
function madeUp(options: { readonly files: number; readonly sizeBytes: number; readonly exitCode?: number; readonly endless?: boolean; readonly stderr?: string }): Tree & { readonly asked: (readonly Entry[])[] } {
  const asked: (readonly Entry[])[] = [];
  return {
    name: 'a made-up tree',
    asked,
    async *list() {
      for (let file = 0; file < options.files; file += 1) yield { path: bytePathOfText(`Metadata/${String(file).padStart(7, '0')}`), type: 'file', sizeBytes: options.sizeBytes, modifiedAtSeconds: 0, changedAt: '0', mode: 0o644 };
    },
    read(entries): Process {
      asked.push(entries);
      const stdout = new PassThrough();
      const ended = Promise.withResolvers<{ exitCode: number | null; signal: null; stderrTail: string }>();
      stdout.write(Buffer.alloc((entries.length * (512 + Math.ceil(options.sizeBytes / 512) * 512)) / (options.endless === true ? 2 : 1)));
      const finish = (exitCode: number | null): void => {
        stdout.end();
        ended.resolve({ exitCode, signal: null, stderrTail: options.stderr ?? '' });
      };
      if (options.endless !== true) finish(options.exitCode ?? 0);
      return { stdin: new PassThrough(), stdout, ended: ended.promise, kill: () => finish(null) };
    },
  };
}

test('of a large tree stretches from all over it are read, and no more bytes than may be', async () => {
  const tree = madeUp({ files: 200_000, sizeBytes: 1_024 });
  const { whole, groups } = await sampleReading(tree, { signal, budgetBytes: 4 * 1024 ** 2 });
  expect(whole).toEqual({ entries: 200_000, bytes: 200_000 * 1_024 });
  const read = groups.reduce((sum, { bytes }) => sum + bytes, 0);
  expect(read).toBeGreaterThanOrEqual(4 * 1024 ** 2);
  expect(read).toBeLessThan(9 * 1024 ** 2);
  const tenths = new Set(tree.asked.flat().map(({ path }) => Math.floor(Number(path.slice('Metadata/'.length)) / 20_000)));
  expect(tenths.size).toBeGreaterThan(5);
  // In the order of a segment.
  for (const entries of tree.asked) expect(entries.map(({ path }) => path)).toEqual(entries.map(({ path }) => path).toSorted());
});

test('when its time is over, what had come counts', async () => {
  const { groups } = await sampleReading(madeUp({ files: 1_000, sizeBytes: 1_024, endless: true }), { signal, budgetMs: 50 });
  expect(groups).toEqual([{ entries: 500, bytes: 512_000, durationMs: expect.any(Number) as number }]);
});

test('files that vanish meanwhile are no failure, a tar that fails is', async () => {
  expect((await sampleReading(madeUp({ files: 10, sizeBytes: 10, exitCode: 2 }), { signal })).groups).toHaveLength(1);
  await expect(sampleReading(madeUp({ files: 10, sizeBytes: 10, exitCode: 255, stderr: 'Connection closed' }), { signal })).rejects.toMatchObject({ kind: 'failed', facts: ['Connection closed'] });
});

test('an empty tree has nothing to read', async () => {
  expect(await sampleReading(madeUp({ files: 0, sizeBytes: 0 }), { signal })).toMatchObject({ whole: { entries: 0, bytes: 0 }, groups: [] });
});
