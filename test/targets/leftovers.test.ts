import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { thisComputer } from '../../src/machines/localMachine.ts';
import { leftoversAt } from '../../src/targets/leftovers.ts';
import { temporaryDirectory } from './gateVolume.ts';

function volume(...directories: readonly string[]): string {
  const root = temporaryDirectory();
  for (const directory of directories) {
    mkdirSync(join(root, directory), { recursive: true });
    writeFileSync(join(root, directory, 'file'), 'x'.repeat(5000));
  }
  return root;
}

const told = (root: string) => leftoversAt(thisComputer(), { root, removal: (path) => `remove ${path}` });

test('libraries that were set aside or withdrawn and the landing area are told with sizes and what removes them', async () => {
  const root = volume('Library', 'Library.set-aside-r1', 'Library.withdrawn-r1', 'Library.withdrawn-r1.2', '.plexlift/r2/receipts', '.plexlift/r2/Library', 'lost+found');
  const found = await told(root);
  expect(found.map(({ path, remove }) => [path.slice(root.length + 1), remove])).toEqual([
    ['.plexlift/r2', 'plexlift finish'],
    ['Library.set-aside-r1', `remove ${root}/Library.set-aside-r1`],
    ['Library.withdrawn-r1', `remove ${root}/Library.withdrawn-r1`],
    ['Library.withdrawn-r1.2', `remove ${root}/Library.withdrawn-r1.2`],
  ]);
  for (const { sizeBytes } of found) expect(sizeBytes).toBeGreaterThan(5000);
  expect(found.map(({ what }) => what)).toEqual([expect.stringContaining('copied'), expect.stringContaining('set aside'), expect.stringContaining('withdrawn'), expect.stringContaining('withdrawn')]);
});

test("plexlift's own records are told once no landing area is in them", async () => {
  const root = volume('Library', '.plexlift');
  expect(await told(root)).toMatchObject([{ path: `${root}/.plexlift`, remove: `remove ${root}/.plexlift` }]);
  expect(await told(volume('Library'))).toEqual([]);
});

test('a list that was cut off is no list', async () => {
  const machine = { ...thisComputer(), run: async () => ({ exitCode: 0, stdout: '12 /config/.plexlift\n', stderr: '' }) };
  await expect(leftoversAt(machine, { root: '/config', removal: (path) => path })).rejects.toThrow('was cut off');
});
