import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { copyFigures } from '../../src/transfer/copyFigures.ts';
import { scene, scratchDirectory } from './scene.ts';

test('what was copied, in what time, and what is left, is read from a manifest that is in use', async () => {
  const stage = scene();
  for (let file = 0; file < 40; file += 1) stage.write(`Metadata/${file}`, Buffer.alloc(1_000, file));
  expect(copyFigures(stage.manifestFile)).toBeNull();
  const begunAtMs = performance.now();
  await stage.send({ limits: { entries: 10, bytes: 1e9 } });
  const tookMs = performance.now() - begunAtMs;

  const figures = copyFigures(stage.manifestFile);
  expect(figures).toMatchObject({ whole: { entries: 41, bytes: 40_000 }, remaining: { entries: 0, bytes: 0 } });
  expect(figures?.segments.map(({ entries, bytes }) => [entries, bytes])).toEqual([[10, 10_000], [10, 10_000], [10, 10_000], [10, 10_000], [1, 0]]);
  // Two were on their way at once, and together they took no longer than there was.
  const sum = figures?.segments.reduce((total, { durationMs }) => total + durationMs, 0) ?? 0;
  expect(sum).toBeGreaterThan(0);
  expect(sum).toBeLessThanOrEqual(tookMs + 5);
});

test('what changed since is left again', async () => {
  const stage = scene();
  for (let file = 0; file < 4; file += 1) stage.write(`Metadata/${file}`, Buffer.alloc(1_000, file));
  await stage.send();
  stage.write('Metadata/5', Buffer.alloc(500));
  await expect(stage.send({ target: { ...stage.target, receive: () => Promise.reject(new Error('no')), receiptOf: async () => null } })).rejects.toThrow('Cannot deliver');
  // The directory's time changed with it.
  expect(copyFigures(stage.manifestFile)).toMatchObject({ whole: { entries: 6, bytes: 4_500 }, remaining: { entries: 2, bytes: 500 } });
});

test('where there is no manifest there are no figures, and a file that is none is named', () => {
  const place = scratchDirectory();
  expect(copyFigures(join(place, 'manifest.db'))).toBeNull();
  writeFileSync(join(place, 'manifest.db'), 'no database at all, but long enough to be taken for one'.repeat(100));
  expect(() => copyFigures(join(place, 'manifest.db'))).toThrow('Cannot read the manifest');
});
