import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Cluster } from '../bed/kubernetes/cluster.ts';
import { startCluster } from '../bed/kubernetes/cluster.ts';
import { shareMountsOf, unmountUnder } from '../bed/kubernetes/mounts.ts';
import { switchOff } from '../bed/kubernetes/nodeReboot.ts';
import { makeScratchDirectory } from '../bed/library/scratch.ts';
import type { FuseShare } from '../bed/share/fuseShare.ts';
import { mountShare } from '../bed/share/fuseShare.ts';
import { identityAt, sourceState } from './bothSides.ts';
import type { ExpectedEnding } from './endings.ts';
import { faultsOf } from './endings.ts';
import { databasesName, libraryFile, settingsAsWritten } from './movedLibrary.ts';
import { phaseOf } from './plexStarts.ts';
import { dataOnTarget, serverOnTarget, untilIdentity } from './sidesOfStage.ts';
import type { Stage } from './stage.ts';
import { openStage } from './stage.ts';

// One migration that meets every trouble a share can make, in the order of its steps. The target's node has its own copy of the media,
// shown through a file system that can hang, die and be away, so that the source keeps seeing what it saw.

const migrate = ['migrate', '--yes', 'existing-library', '--yes', 'stop-source'];
/** Far below what a person takes for hanging. */
const promptlyMs = 90_000;

let cluster: Cluster;
let stage: Stage;
let place: string;
let share: FuseShare;

beforeAll(async () => {
  place = makeScratchDirectory('plexlift-shares-');
  for (const name of ['shown', 'node']) mkdirSync(join(place, name));
  await shareMountsOf(place);
  cluster = await startCluster({ name: 'media' });
  stage = await openStage({
    cluster,
    name: 'media',
    prepare: async ({ mediaDirectory, optimizedDirectory }) => {
      for (const [from, name] of [[mediaDirectory, 'shown'], [optimizedDirectory, 'optimized']] as const) cpSync(from, join(place, name), { recursive: true, preserveTimestamps: true });
      share = await mountShare(join(place, 'shown'), join(place, 'node'));
    },
    release: {
      media: [
        { name: 'library', hostPath: join(place, 'node'), mountPath: '/media/library' },
        { name: 'optimized', hostPath: join(place, 'optimized'), mountPath: '/media/optimized' },
      ],
    },
  });
});

afterAll(async () => {
  await share?.unmount();
  await stage?.close();
  await cluster?.stop();
  await unmountUnder(place);
  rmSync(place, { recursive: true, force: true });
});

async function mountAgain(): Promise<void> {
  share = await mountShare(join(place, 'shown'), join(place, 'node'));
}

/** What is wrong with the ending of a migration; nothing at best. */
async function faultsOfMigrating(expected: ExpectedEnding, ...until: readonly string[]): Promise<readonly string[]> {
  const begunAtMs = performance.now();
  const outcome = await stage.plexlift(...migrate, ...until);
  return faultsOf({ ...outcome, durationMs: performance.now() - begunAtMs }, expected);
}

async function setModes(words: readonly string[], mode: string): Promise<void> {
  await execa('find', [join(place, 'shown'), ...words, '-exec', 'chmod', mode, '{}', '+']);
}

/** A waiting pod keeps what it saw of a share that died: its successor sees the one that is mounted since. */
async function deletePod(): Promise<void> {
  const { podName, namespace } = stage.release;
  await cluster.run(['delete', 'pod', podName, '--namespace', namespace]);
}

describe('before anything is copied', () => {
  test("a share that Plex's user may not enter is refused, and one whose files it may not read", async () => {
    const before = await sourceState(stage.vm);
    chmodSync(join(place, 'shown'), 0o700);
    expect(await faultsOfMigrating({ exitCode: 3, withinMs: promptlyMs, says: ['"/media/library" cannot be read by uid 1000, gid 1000, whom Plex runs as: Permission denied (fuse from share, mounted at /media/library)', 'Let uid 1000, gid 1000 read the share', 'release media/plex: Plex is held back'] })).toEqual([]);
    chmodSync(join(place, 'shown'), 0o755);
    await setModes(['-type', 'f'], '600');
    expect(await faultsOfMigrating({ exitCode: 3, withinMs: promptlyMs, says: ['mounts-show-media', /of (\d+) files that the library names below "\/media\/library", 0 are missing, and \1 cannot be read by uid 1000/, 'Let uid 1000, gid 1000 read the share'] })).toEqual([]);
    await setModes(['-type', 'f'], '644');
    expect(await sourceState(stage.vm)).toEqual(before);
  });

  test('a share that hangs in the kernel is told in time, and the same command goes on once it answers; missing files are listed and do not block', async () => {
    share.hang();
    expect(await faultsOfMigrating({ exitCode: 3, withinMs: promptlyMs, says: ['"/media/library" does not answer: no answer within 10 s (fuse from share, mounted at /media/library)', 'Mount the share again'] })).toEqual([]);
    share.answer();
    const lost = lostMedia();
    expect(await faultsOfMigrating({ exitCode: 0, says: [`${lost.length} of `, 'media files are missing on the target', 'do not block'] }, '--until', 'copy-ahead')).toEqual([]);
    const listed = readFileSync(join(stage.runDirectory, 'missing-media.ndjson'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { path: string; status: string; library: string; title: string });
    const missing = listed.filter(({ status }) => status === 'missing').toSorted((left, right) => (left.path < right.path ? -1 : 1));
    expect(missing.map(({ path, library }) => ({ path, library }))).toEqual(lost.map(({ path, library }) => ({ path, library })));
    for (const [position, { title }] of missing.entries()) expect(title.endsWith(lost[position]?.title ?? 'no title')).toBe(true);
  });
});

interface LostFile {
  readonly path: string;
  readonly library: string;
  readonly title: string;
}

/** Removes a film, an episode and a track from the node's copy, and tells what the source's own database says of each. */
function lostMedia(): readonly LostFile[] {
  const database = new DatabaseSync(join(stage.library.dataDirectory, databasesName, libraryFile), { readOnly: true });
  const rows = [1, 4, 10].map((type) => database.prepare(
    `SELECT p.file AS file, s.name AS library, m.title AS title FROM media_parts p JOIN media_items i ON i.id = p.media_item_id JOIN metadata_items m ON m.id = i.metadata_item_id
     JOIN library_sections s ON s.id = i.library_section_id WHERE m.metadata_type = ? AND p.file LIKE '/mnt/nas-plex/%' AND (SELECT count(*) FROM media_items WHERE metadata_item_id = m.id) = 1
     AND (SELECT count(*) FROM media_parts q WHERE q.media_item_id = i.id) = 1 AND (SELECT count(*) FROM media_parts q WHERE q.file = p.file) = 1 LIMIT 1`,
  ).get(type));
  database.close();
  return rows.map((row) => {
    const file = String(row?.['file']).slice('/mnt/nas-plex/'.length);
    rmSync(join(place, 'shown', file));
    return { path: `/media/library/${file}`, library: String(row?.['library']), title: String(row?.['title']) };
  }).toSorted((left, right) => (left.path < right.path ? -1 : 1));
}

describe('a share that dies in the middle', () => {
  test('stops the run before publish; the source can go back to serving, or the same command goes on when the share is back', async () => {
    expect(await faultsOfMigrating({ exitCode: 0, says: [] }, '--until', 'deliver')).toEqual([]);
    await share.unmount();
    const refused: ExpectedEnding = { exitCode: 3, withinMs: promptlyMs, says: ['"/media/library" cannot be read by uid 1000, gid 1000, whom Plex runs as: Transport endpoint is not connected', 'delete the pod with kubectl', 'plexlift rollback'] };
    expect(await faultsOfMigrating(refused)).toEqual([]);
    expect(phaseOf(stage.release.configHostPath)).toBe('landing');
    expect(faultsOf(await stage.plexlift('rollback'), { exitCode: 0, says: ['Plex is running'] })).toEqual([]);
    expect(await identityAt(`http://${stage.vm.address}:32400`)).toBe(stage.library.processedMachineIdentifier);

    await mountAgain();
    expect(await faultsOfMigrating({ exitCode: 0, says: [] }, '--until', 'deliver')).toEqual([]);
    await share.unmount();
    expect(await faultsOfMigrating(refused)).toEqual([]);
    await mountAgain();
    await deletePod();
    expect(await faultsOfMigrating({ exitCode: 0, says: ['the library is published', /"Empty trash automatically after every scan" stays off: \d+ media files/] })).toEqual([]);
    expect(await untilIdentity(await serverOnTarget(stage))).toBe(stage.library.processedMachineIdentifier);
    const { podName, namespace, containerName } = stage.release;
    expect(await cluster.run(['get', 'pod', podName, '--namespace', namespace, '--output', `jsonpath={.spec.containers[?(@.name=="${containerName}")].env[?(@.name=="S6_SERVICES_GRACETIME")].value}`])).toBe('90000');
  });
});

describe('a node that boots without its share', () => {
  /** What the gate of the current pod has said. */
  async function gateLog(): Promise<string> {
    const { podName, namespace } = stage.release;
    return cluster.run(['logs', podName, '--namespace', namespace, '--container', 'plexlift-gate']).catch(() => '');
  }

  async function untilGateSays(text: string): Promise<void> {
    await vi.waitFor(async () => expect(await gateLog()).toContain(text), { timeout: 60_000, interval: 500 });
  }

  async function plexRuns(): Promise<boolean> {
    const { podName, namespace } = stage.release;
    return (await cluster.run(['get', 'pod', podName, '--namespace', namespace, '--output', 'jsonpath={.status.containerStatuses[*].state.running}'])) !== '';
  }

  test('does not start Plex, says what it waits for and what to do; Plex starts by itself when the share is back and answers', async () => {
    const node = await switchOff(cluster, stage.release.configHostPath);
    await share.unmount();
    await node.boot();
    await untilGateSays('Waiting for the mount /media/library. None of the media files that were there before can be read by Plex (uid 1000)');
    expect(await gateLog()).toContain(`kubectl delete pod ${stage.release.podName}`);
    await delay(5_000);
    expect(await plexRuns()).toBe(false);

    await mountAgain();
    share.hang();
    await untilGateSays('Waiting for the mount /media/library, which does not answer');
    expect(await plexRuns()).toBe(false);
    share.answer();
    await stage.release.waitForServer();
    expect(await (await serverOnTarget(stage)).identity()).toBe(stage.library.processedMachineIdentifier);
  });
});

describe('items whose files are missing', () => {
  const rowsOfLibrary = (): number => {
    const database = new DatabaseSync(join(dataOnTarget(stage), databasesName, libraryFile), { readOnly: true });
    try {
      return Number(database.prepare('SELECT count(*) AS n FROM media_parts').get()?.['n']);
    } finally {
      database.close();
    }
  };

  test('survive every scan, until somebody consents to lose them', async () => {
    const before = rowsOfLibrary();
    expect(settingsAsWritten(dataOnTarget(stage)).get('autoEmptyTrash')).toBe('0');
    await (await serverOnTarget(stage)).scanEverything();
    expect(rowsOfLibrary()).toBe(before);

    expect(faultsOf(await stage.plexlift('migrate', '--again', 'restore-settings', '--accept', 'missing-media'), { exitCode: 0, says: [] })).toEqual([]);
    await stage.release.waitForServer();
    await (await serverOnTarget(stage)).scanEverything();
    expect(rowsOfLibrary()).toBe(before - 3);
  });
});
