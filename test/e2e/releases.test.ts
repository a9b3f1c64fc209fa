import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readJournal } from '../../src/runner/journal.ts';
import { rightsWithoutHelm, roleWith } from '../../src/targets/kubernetes/rights.ts';
import type { Cluster } from '../bed/kubernetes/cluster.ts';
import { startCluster } from '../bed/kubernetes/cluster.ts';
import type { GitOpsController } from '../bed/kubernetes/gitOpsController.ts';
import { startGitOpsController } from '../bed/kubernetes/gitOpsController.ts';
import { rightsAskedFor } from '../bed/kubernetes/leastRights.ts';
import type { PlexReleaseOptions } from '../bed/kubernetes/plexRelease.ts';
import { chartDirectory, helmEnvironment, installPlexRelease, releaseValues } from '../bed/kubernetes/plexRelease.ts';
import { makeLibrary } from '../bed/library/makeLibrary.ts';
import { defaultPlexVersion } from '../bed/plexServer/build.ts';
import { isLong } from '../long.ts';
import { identityAt, storedLibrary, valuesOf } from './bothSides.ts';
import { faultsOf } from './endings.ts';
import { lookAtBothSides } from './formerState.ts';
import { requireExit } from './interruption.ts';
import { dataDirectoryName } from './movedLibrary.ts';
import { configuredAs } from './otherConfigurations.ts';
import type { Owner } from './ownerMarks.ts';
import { doCommands, leaveMarks, takeOffIn } from './ownerMarks.ts';
import { phaseOf } from './plexStarts.ts';
import type { Stage } from './stage.ts';
import { openStage } from './stage.ts';
import { beginAndWait, committedFrom, endedWith } from './waitingForCommit.ts';
import { differencesFromSource } from './wholeLibrary.ts';

// One source machine for all: what a release is moved into is taken back, or finished and then started again by hand, before the next.

type Helm = 'helm3' | 'helm4';

const consent = ['--yes', 'existing-library', '--yes', 'stop-source'];

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

function media() {
  return [
    { name: 'library', hostPath: stage.library.mediaDirectory, mountPath: '/media/library' },
    { name: 'optimized', hostPath: stage.library.optimizedDirectory, mountPath: '/media/optimized' },
  ];
}

/** The same source with another release, which a Helm of its own takes care of. */
async function withRelease(helm: Helm, options: Omit<PlexReleaseOptions, 'media' | 'imageTag' | 'helm'> & { readonly namespace: string }): Promise<Stage> {
  const release = await installPlexRelease(cluster, { ...options, media: media(), imageTag: defaultPlexVersion, helm });
  const plexlift = await configuredAs(stage, options.namespace, ({ target }) => Object.assign(target.kubernetes, { namespace: release.namespace, release: release.release, kubeconfig: release.kubeconfig, helm: cluster[helm] }));
  return { ...stage, release, runDirectory: plexlift.runDirectory, configuration: plexlift.configuration, plexlift: plexlift.run, begin: plexlift.begin, close: () => release.uninstall() };
}

function helmOf(helm: Helm, { release }: Stage, ...words: readonly string[]) {
  return execa(cluster[helm], [...words, '--namespace', release.namespace], { env: helmEnvironment(cluster), reject: false });
}

/** Changes of a release that plexlift itself had Helm make. */
function helmCommands({ runDirectory }: Stage): readonly string[] {
  return readJournal(join(runDirectory, 'journal.ndjson')).flatMap((event) => (event.type === 'command-run' && / (upgrade|rollback) /.test(event.command) ? [event.command] : []));
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
    owned = await withRelease(helm, {
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

type Pairing = readonly [Helm, Owner, 'finish' | 'rollback'];
/** Each Helm, each owner and each way out once. */
const pairings: readonly Pairing[] = [['helm3', 'Flux', 'finish'], ['helm4', 'Argo CD', 'rollback']];
/** Where nobody runs Helm but the owner of the release, plexlift may do this and no more. */
const withoutHelm = rightsWithoutHelm.flatMap(({ group, resource, verbs }) => verbs.map((verb) => `${verb} ${resource}${group === '' ? '' : `.${group}`}`));
/** What the full run tries as well. */
const otherPairings: readonly Pairing[] = [['helm4', 'Flux', 'rollback'], ['helm3', 'Argo CD', 'finish']];

// Here it is the controller who runs Helm, and plexlift never does.
describe.each([...pairings, ...(isLong ? otherPairings : [])])('with %s a release that %s owns', (helm, kind, wayOut) => {
  const namespace = `${kind === 'Flux' ? 'flux' : 'argo'}-${helm}`;
  let owned: Stage;
  let controller: GitOpsController;
  let base: Readonly<Record<string, unknown>>;

  beforeAll(async () => {
    owned = await withRelease(helm, { namespace });
    base = releaseValues({ media: media() }, defaultPlexVersion);
    // In the place of the documented role, which knows no owner.
    const subject = { kind: 'ServiceAccount', name: 'plexlift', namespace } as const;
    await cluster.run(['delete', 'rolebinding', 'plexlift', '--namespace', namespace]);
    await cluster.run(['apply', '--filename', '-'], { input: roleWith(rightsWithoutHelm, { namespace, subject }) });
    controller = await startGitOpsController(cluster, { kind, release: owned.release, helm, committed: { values: base } });
  });

  afterAll(async () => {
    await controller?.stop();
    await owned?.close();
  });

  test('is told apart from what another owner left behind, whose marks are taken off by what is said', async () => {
    const other = kind === 'Flux' ? 'Argo CD' : 'Flux';
    requireExit(await owned.plexlift('migrate', ...consent, '--until', 'inspect'), 0);
    await leaveMarks(cluster, { owner: other, release: owned.release });

    // Whoever comes to know of it only now is told by the check; whoever begins, as soon as the release is looked at.
    const told = /Argo CD \(.*\) and Flux \(.*\) both have marks on StatefulSet/;
    const marked = await owned.plexlift('migrate', ...consent, '--until', 'preflight');
    expect(faultsOf(marked, { exitCode: 3, says: ['release-owner', told, 'Have one of them own it'] })).toEqual([]);
    const refused = await owned.plexlift('check', ...consent);
    expect(faultsOf(refused, { exitCode: 3, says: ['Cannot tell who owns the release', 'Have one of them own it'] })).toEqual([]);
    const commands = [marked, refused].map(({ stderr }) => takeOffIn(stderr, other));
    expect(commands).toEqual([expect.any(String), expect.any(String)]);
    await doCommands(cluster, commands[1]);

    const sound = await owned.plexlift('check', ...consent);
    expect(faultsOf(sound, { exitCode: 0, says: [new RegExp(`note: release-owner: ${kind} \\(.*\\) owns it`)] })).toEqual([]);
    expect(takeOffIn(sound.stderr, other)).toBeUndefined();
  });

  test('gets the gate by the values that are printed, after a waiting that was interrupted, and is migrated into', async () => {
    const first = await beginAndWait(owned, ['migrate', ...consent]);
    for (const said of ['release-owner', kind, 'prints the values to commit']) expect(first.heard.stderr).toContain(said);
    await delay(4000);
    expect(first.heard.stderr).not.toContain('Look up every media file');
    first.child.kill('SIGINT');
    await endedWith(first.child, 130);
    expect(phaseOf(owned.release.configHostPath)).toBe('none');

    const second = await beginAndWait(owned, ['migrate', ...consent]);
    expect(second.heard.stdout).toBe(first.heard.stdout);
    controller.commit(committedFrom(second.heard.stdout, base));
    await endedWith(second.child, 0);
    expect(differencesFromSource(owned)).toEqual([]);
  });

  test.runIf(wayOut === 'finish')('is finished by what is printed then, also after a waiting that was interrupted, and keeps the version', async () => {
    const interrupted = await beginAndWait(owned, ['finish', '--yes', 'finish']);
    interrupted.child.kill('SIGINT');
    await endedWith(interrupted.child, 130);
    // What going back needs was removed with consent, so that only finishing is left, and needs no second consent.
    const refused = await owned.plexlift('rollback');
    expect(faultsOf(refused, { exitCode: 3, says: ['Cannot roll back: "plexlift finish" was begun with consent', 'there is no way back any more', 'Next: plexlift finish'] })).toEqual([]);

    const { child, heard } = await beginAndWait(owned, ['finish']);
    controller.commit(committedFrom(heard.stdout, base));
    await endedWith(child, 0);
    expect(await identityAt(await owned.release.serverUrl())).toBe(stage.library.processedMachineIdentifier);
    expect(await leftovers()).toBe('');
    await stage.vm.run('rm /etc/systemd/system/plexmediaserver.service.d/zz-plexlift-keep-stopped.conf && systemctl daemon-reload && systemctl start plexmediaserver');
  });

  test.runIf(wayOut === 'rollback')('is put back by rollback once the values are taken out again', async () => {
    const { child } = await beginAndWait(owned, ['rollback']);
    controller.commit({ values: base });
    await endedWith(child, 0);
    expect(await identityAt(await owned.release.serverUrl())).not.toBe(stage.library.processedMachineIdentifier);
    expect(await leftovers()).toBe('');
  });

  test('and nobody but its owner ever changed it, with no right that only Helm needs', async () => {
    const { allowed, denied } = await rightsAskedFor(cluster, namespace);
    expect(denied).toEqual([]);
    expect(allowed).toEqual(expect.arrayContaining(['get configmaps', 'list statefulsets.apps']));
    expect(allowed.filter((right) => !withoutHelm.includes(right))).toEqual([]);
    expect(helmCommands(owned)).toEqual([]);
    expect(controller.reverted()).toBe(0);
  });

  /** What of the gate is still in the release. */
  function leftovers(): Promise<string> {
    return cluster.run(['get', 'statefulset,configmap', '-n', owned.release.namespace, '-o', 'jsonpath={.items[*].spec.template.spec.initContainers[*].name}{.items[*].spec.template.metadata.annotations}{.items[*].data.init\\.sh}']);
  }
});
