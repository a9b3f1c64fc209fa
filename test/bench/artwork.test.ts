import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { artworkItem } from '../../bench/transfer/artworkItem.ts';
import { countBulk } from '../../bench/transfer/bulk.ts';
import { quoted } from '../../bench/transfer/shellWork.ts';
import { createRandom } from '../bed/library/random.ts';

test('makes items that are on average as large as real ones', () => {
  const random = createRandom(1, 'test');
  const all = Array.from({ length: 500 }, () => artworkItem(random));
  const files = all.flatMap((item) => item.files);
  const directories = new Set(all.flatMap((item) => [...item.directories, ...[...item.files, ...item.links].map(({ path }) => dirname(path))]).flatMap(withParents));

  const meanBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) / files.length;
  expect(meanBytes).toBeGreaterThan(23_000);
  expect(meanBytes).toBeLessThan(29_000);
  const others = directories.size + all.flatMap((item) => item.links).length;
  expect(others / files.length).toBeGreaterThan(1.4);
  expect(others / files.length).toBeLessThan(1.7);
});

test('makes links that lead to files of the same item', () => {
  const item = artworkItem(createRandom(2, 'test'));

  expect(item.links.map(({ path, target }) => join(dirname(path), target)).every((path) => item.files.some((file) => file.path === path))).toBe(true);
});

test('counts what is bulk and nothing else', () => {
  const directory = mkdtempSync(join(tmpdir(), 'plexlift-bulk-'));
  try {
    for (const name of ['Metadata', 'Logs', 'Plug-in Support/Databases']) mkdirSync(join(directory, name), { recursive: true });
    for (const name of ['Metadata/poster', 'Logs/log', 'Plug-in Support/Databases/library.db', 'Preferences.xml']) writeFileSync(join(directory, name), '12345');
    symlinkSync('poster', join(directory, 'Metadata/link'));

    expect(countBulk(directory)).toEqual({ files: 1, directories: 2, links: 1, bytes: 5 });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('quotes a word for a shell', () => {
  expect(quoted("it's")).toBe(String.raw`'it'\''s'`);
});

function withParents(path: string): readonly string[] {
  const parts = path.split('/');
  return parts.map((_, at) => parts.slice(0, at + 1).join('/'));
}
