import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Entry } from '../../src/transfer/entry.ts';
import { passageOf } from '../../src/transfer/passage.ts';
import { snapshot, tarArguments, tarList, testOwner } from './localTree.ts';
import { furnish, scene } from './scene.ts';

const file = (path: string, sizeBytes: number): Entry => ({ path: path as Entry['path'], type: 'file', sizeBytes, modifiedAtSeconds: 0, changedAt: '0', mode: 0o644 });

test('the bytes of a tar say which entries have passed, and how much of their content', () => {
  const passage = passageOf([file('a', 1_000), file('b', 0), file('c', 10_000)]);
  expect(passage.whole).toEqual({ bytes: 11_000, entries: 3 });
  expect(passage.after(0)).toEqual({ bytes: 0, entries: 0 });
  expect(passage.after(768)).toEqual({ bytes: 500, entries: 0 });
  expect(passage.after(512 + 1_024)).toEqual({ bytes: 1_000, entries: 1 });
  expect(passage.after(2_048)).toEqual({ bytes: 1_000, entries: 2 });
  expect(passage.after(2_048 + 512 + 10_240)).toEqual(passage.whole);
  expect(passage.after(1e9)).toEqual(passage.whole);
});

test('is as long as what GNU tar makes, long names and links and directories included', async () => {
  const stage = scene();
  furnish(stage);
  for (const length of [99, 100, 101, 255]) {
    stage.write(`Metadata/${'x'.repeat(length - 'Metadata/'.length)}`, 'y'.repeat(length));
    mkdirSync(join(stage.source, 'd'.repeat(length)));
    stage.link(`Metadata/link${length}`, 'z'.repeat(length));
  }
  const all = [...(await snapshot(stage.source)).values()];
  for (const entries of [all, ...all.map((entry) => [entry])]) {
    const made = spawnSync('tar', ['--blocking-factor=1', ...tarArguments(stage.source, testOwner)], { input: tarList(entries), maxBuffer: 1e8 });
    const passage = passageOf(entries);
    // Two blocks of zeros end a tar.
    const end = made.stdout.length - 1_024;
    expect({ path: entries[0]?.path, ...passage.after(end) }).toEqual({ path: entries[0]?.path, ...passage.whole });
    expect(passage.after(end - 1)).not.toEqual(passage.whole);
  }
});
