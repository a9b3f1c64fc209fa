import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cluster } from '../bed/kubernetes/cluster.ts';
import { startCluster } from '../bed/kubernetes/cluster.ts';
import { chartDirectory, helmEnvironment } from '../bed/kubernetes/plexRelease.ts';
import { makeLibrary } from '../bed/library/makeLibrary.ts';
import { defaultPlexVersion } from '../bed/plexServer/build.ts';
import { storedLibrary, valuesOf } from './bothSides.ts';
import { faultsOf } from './endings.ts';
import { lookAtBothSides } from './formerState.ts';
import { requireExit } from './interruption.ts';
import { dataDirectoryName } from './movedLibrary.ts';
import type { Helm } from './otherReleases.ts';
import { consent, helmCommands, withRelease } from './otherReleases.ts';
import { doCommands, leaveMarks, takeOffIn } from './ownerMarks.ts';
import type { Stage } from './stage.ts';
import { openStage } from './stage.ts';
import { differencesFromSource } from './wholeLibrary.ts';

// One source machine for both: what one release is moved into is taken back before the next.

let cluster: Cluster;
/** Its own release is the one that plexlift is told of where nothing else is said. */
let stage: Stage;

beforeAll(async () => {
  cluster = await startCluster({ name: 'releases' });
  stage = await openStage({ cluster, name: 'releases' });
});

afterAll(async () => {
  await stage?.close();
  await cluster?.stop();
});

function helmOf(helm: Helm, { release }: Stage, ...words: readonly string[]) {
  return execa(cluster[helm], [...words, '--namespace', release.namespace], { env: helmEnvironment(cluster), reject: false });
}

describe.each<Helm>(['helm3', 'helm4'])('with %s a release with names and a claim of its own, whose server had a library', (helm) => {
  /** What a user may have written, none of which plexlift may lose. */
  const theirs = {
    nameOverride: 'pms',
    extraEnv: { TZ: 'Europe/Berlin', CHANGE_CONFIG_DIR_OWNERSHIP: 'true' },
    extraInitContainers: [{ name: 'their-own', image: 'index.docker.io/alpine:3.22', command: ['true'] }],
    initContainer: { script: '#!/bin/sh\necho "their own script"\n' },
    statefulSet: { podAnnotations: { 'their.own/annotation': 'kept' } },
  };
  let owned: Stage;
  let before: Awaited<ReturnType<typeof lookAtBothSides>>;
  let libraryBefore: Awaited<ReturnType<typeof storedLibrary>>;

  const library = (): string => join(owned.release.configHostPath, 'Library');

  beforeAll(async () => {
    owned = await withRelease({ cluster, stage }, {
      helm,
      namespace: `renamed-${helm}`,
      release: 'living-room',
      fullnameOverride: 'tv',
      existingClaim: 'plex-of-old',
      values: theirs,
      async prepare(configHostPath) {
        const used = join(stage.directory, `used-${helm}`);
        await makeLibrary({ dataDirectory: join(configHostPath, dataDirectoryName), mediaDirectory: join(used, 'media'), optimizedDirectory: join(used, 'optimized'), items: 60, seed: helm === 'helm3' ? 11 : 12, version: defaultPlexVersion });
      },
    });
    before = await lookAtBothSides(cluster, owned);
    libraryBefore = await storedLibrary(library());
  });

  afterAll(() => owned?.close());

  test('an upgrade that Helm cannot carry out is rolled back, and the former server was never away', async () => {
    const chart = join(owned.directory, `chart-${helm}`);
    await cp(chartDirectory, chart, { recursive: true });
    await execa('sed', ['--in-place', 's/serviceName: .*/serviceName: another/', join(chart, 'templates/statefulset.yaml')]);
    const uid = await podUid();
    const outcome = await owned.plexlift('migrate', ...consent, '--chart', chart);
    expect(faultsOf(outcome, { exitCode: 4, says: [/was put back to revision 1/, /Forbidden|forbidden/, 'Remove the cause'] })).toEqual([]);
    expect(await lookAtBothSides(cluster, owned)).toEqual(before);
    expect(await podUid()).toBe(uid);
  });

  // One after the other, so that each look proves the last remedy and shows the next fault.
  test('what is wrong with it is explained, and what is said to do about it does it', async () => {
    const { namespace, release: name } = owned.release;
    const change = (flag: string, value: string) => helmOf(helm, owned, 'upgrade', name, chartDirectory, '--reuse-values', flag, value, '--wait');

    const killed = change('--set', 'image.tag=9.9.9');
    const pending = ['get', 'secrets', '-n', namespace, '--selector', `owner=helm,name=${name},status=pending-upgrade`, '-o', 'name'];
    await expect.poll(() => cluster.run(pending), { timeout: 30_000 }).not.toBe('');
    killed.kill('SIGKILL');
    await killed;
    const stuck = await owned.plexlift('check', ...consent);
    expect(faultsOf(stuck, { exitCode: 3, says: ['release-deployed', /revision \d+ is pending-upgrade since 20/, 'a helm began to upgrade it and has not ended'] })).toEqual([]);
    const [, rollback = '', deletion = ''] = /helm (rollback living-room \d+ --namespace [a-z0-9-]+).*kubectl (delete pod tv-0 --namespace \S+)/.exec(stuck.stderr) ?? [];
    await execa(cluster[helm], rollback.split(' '), { env: helmEnvironment(cluster) });
    await cluster.run(deletion.split(' '));
    await owned.release.waitForServer();

    await change('--set', 'extraEnv.SERIAL=12345678');
    const numbered = await owned.plexlift('check', ...consent);
    expect(numbered.stderr).not.toContain('release-deployed');
    expect(faultsOf(numbered, { exitCode: 3, says: ['release-renders-same', 'it would change StatefulSet "tv"', 'write such numbers as text'] })).toEqual([]);
    await change('--set-string', 'extraEnv.SERIAL=12345678');

    await leaveMarks(cluster, { owner: 'Argo CD', release: owned.release });
    const marked = await owned.plexlift('check', ...consent);
    expect(faultsOf(marked, { exitCode: 0, says: ['release-owner', 'Argo CD (Application "old"; argocd.argoproj.io/tracking-id, fields managed by argocd-controller) owns it'] })).toEqual([]);
    await doCommands(cluster, takeOffIn(marked.stderr, 'Argo CD'));

    const sound = await owned.plexlift('check', ...consent);
    expect(faultsOf(sound, { exitCode: 0, says: [] })).toEqual([]);
    expect(sound.stderr).not.toMatch(/release-owner|release-renders-same|release-deployed/);
    await helmOf(helm, owned, 'rollback', name, '1', '--wait');
    await owned.release.waitForServer();
    expect(await lookAtBothSides(cluster, owned)).toEqual(before);
  });

  test('is migrated into, with everything of the user\'s kept', async () => {
    requireExit(await owned.plexlift('migrate', ...consent), 0);
    expect(differencesFromSource(owned)).toEqual([]);
    const values = await valuesOf(cluster, owned.release);
    expect(values).toMatchObject({ fullnameOverride: 'tv', pms: { configExistingClaim: 'plex-of-old' }, nameOverride: 'pms', extraEnv: theirs.extraEnv, statefulSet: theirs.statefulSet, image: { tag: defaultPlexVersion } });
    expect(JSON.stringify(values)).toContain('"their-own"');
    const [latest] = helmCommands(owned).slice(-1);
    expect(latest).toContain(cluster[helm]);
  });

  test('and is as it was after rollback, with its former library', async () => {
    requireExit(await owned.plexlift('rollback'), 0);
    expect(await lookAtBothSides(cluster, owned)).toEqual(before);
    expect(await storedLibrary(library())).toEqual(libraryBefore);
  });

  function podUid(): Promise<string> {
    return cluster.run(['get', 'pod', owned.release.podName, '-n', owned.release.namespace, '-o', 'jsonpath={.metadata.uid}']);
  }
});
