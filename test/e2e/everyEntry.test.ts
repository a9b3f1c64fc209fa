import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeHardEntries, makeHugeFile, type HardEntries } from '../bed/hardEntries.ts';
import type { Cluster } from '../bed/kubernetes/cluster.ts';
import { startCluster } from '../bed/kubernetes/cluster.ts';
import { compareTrees, type TreeComparison, type TreesToCompare } from '../bed/treeComparison.ts';
import { databasesName, landingArea } from './movedLibrary.ts';
import { dataOnSource, dataOnTarget, serverOnSource, untilIdentity } from './sidesOfStage.ts';
import type { Outcome, Stage } from './stage.ts';
import { openStage } from './stage.ts';

const consent = ['--yes', 'existing-library', '--yes', 'stop-source'];
/** Whom the image runs Plex as, and everything has to belong to. */
const plexOfImage = { uid: 1000, gid: 1000 };
/** Whom the package on the source does. */
const plexOfSource = { uid: 997, gid: 997 };
const stays = ['.LocalAdminToken', 'plexmediaserver.pid', 'Setup Plex.html', 'Cache/Transcode', 'Codecs', 'Crash Reports', 'Diagnostics', 'Drivers', 'Logs', 'Updates'];
/** Rewritten on its way: other tests compare it row by row. */
const catalogue = ['Preferences.xml', databasesName];
const outsideOnSource = '/srv/another disk';

let cluster: Cluster | undefined;
let stage: Stage;
let facts: HardEntries;

beforeAll(async () => {
  cluster = await startCluster({ name: 'every-entry' });
  stage = await openStage({ cluster, name: 'every-entry' });
  await untilIdentity(serverOnSource(stage));
  // Into the machine itself: copying a library into it changes owners, which takes some modes away.
  facts = makeHardEntries({ directory: dataOnSource(stage), outside: join(stage.vm.root, outsideOnSource), outsideThere: outsideOnSource, owner: plexOfSource });
});

afterAll(async () => {
  try {
    await stage?.close();
  } finally {
    await cluster?.stop();
  }
});

function requireDone({ exitCode, stderr }: Outcome): void {
  expect(exitCode === 0 ? '' : `${exitCode}: ${stderr}`).toBe('');
}

function compare(actual: string, options: Pick<TreesToCompare, 'timesNotCompared'> = {}): Promise<TreeComparison> {
  // Where the source's own absolute link leads cannot be seen from here: what arrived of it is compared by itself.
  return compareTrees({ expected: dataOnSource(stage), actual, owner: plexOfImage, dereferenced: facts.followed, leave: [...stays, ...catalogue, facts.followedAbsolute], ...options });
}

async function comparisonsOf(actual: string, options: Pick<TreesToCompare, 'timesNotCompared'> = {}): Promise<readonly TreeComparison[]> {
  const moved = { expected: join(stage.vm.root, outsideOnSource, 'absolute'), actual: join(actual, facts.followedAbsolute), owner: plexOfImage };
  return [await compare(actual, options), await compareTrees(moved)];
}

/** When the inode of each entry below a directory last changed, which nobody can set back; without what a server writes. */
function inodeChanges(directory: string): ReadonlyMap<string, string> {
  const written = [...stays, ...catalogue].flatMap((path) => ['-o', '-path', join(directory, path)]);
  const printed = execFileSync('find', [directory, '-mindepth', '1', '(', '-false', ...written, ')', '-prune', '-o', '-printf', String.raw`%P\0%C@\0`], { encoding: 'latin1', maxBuffer: 1 << 28 });
  const fields = printed.split('\0').slice(0, -1);
  return new Map(Array.from({ length: fields.length / 2 }, (_, entry) => [fields[entry * 2] ?? '', fields[entry * 2 + 1] ?? ''] as const));
}

test('copied ahead, while the source serves, every kind of entry is in the landing area as it is on the source', async () => {
  requireDone(await stage.plexlift('migrate', ...consent, '--until', 'copy-ahead'));
  const [bulk, moved] = await comparisonsOf(landingArea(stage.release.configHostPath));
  expect([bulk?.differences, moved?.differences]).toEqual([[], []]);
  expect(bulk?.entries).toBeGreaterThan(1000);
  expect(moved?.entries).toBe(5);
});

test('what is no file is named, and where links that lead out were left as links', async () => {
  requireDone(await stage.plexlift('report'));
  const report = readFileSync(join(stage.runDirectory, 'report.md'), 'utf8');
  expect([...facts.unsendable, ...facts.leaving].filter((path) => !report.includes(`- \`${path}`))).toEqual([]);
});

test('a file of more than 8 GiB arrives', async () => {
  const hugeFile = makeHugeFile({ directory: dataOnSource(stage), owner: plexOfSource });
  requireDone(await stage.plexlift('migrate', ...consent, '--again', 'copy-ahead', '--until', 'copy-ahead'));
  const [bulk] = await comparisonsOf(landingArea(stage.release.configHostPath));
  expect(bulk?.differences).toEqual([]);
  expect(bulk?.bytes).toBeGreaterThan(8 * 2 ** 30);
  // It has shown what it could, and reading it back again costs minutes.
  rmSync(hugeFile);
});

test('the first start changes the owner of nothing, since everything belongs to Plex already', async () => {
  requireDone(await stage.plexlift('migrate', ...consent, '--until', 'prove-landing'));
  const landing = landingArea(stage.release.configHostPath);
  const [bulk, moved] = await comparisonsOf(landing, { timesNotCompared: ['Plug-in Support'] });
  expect([bulk?.differences, moved?.differences]).toEqual([[], []]);
  const landed = inodeChanges(landing);
  requireDone(await stage.plexlift('migrate', ...consent, '--until', 'verify'));
  const started = inodeChanges(dataOnTarget(stage));
  expect([...landed].filter(([path, changedAt]) => started.get(path) !== changedAt)).toEqual([]);
  expect(landed.size).toBeGreaterThan(1000);
  const others = execFileSync('find', [join(stage.release.configHostPath, 'Library'), '!', '(', '-uid', '1000', '-gid', '1000', ')'], { encoding: 'utf8' });
  expect(others).toBe('');
});
