import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rightsWithoutHelm, roleWith } from '../../src/targets/kubernetes/rights.ts';
import type { Cluster } from '../bed/kubernetes/cluster.ts';
import { startCluster } from '../bed/kubernetes/cluster.ts';
import type { GitOpsController } from '../bed/kubernetes/gitOpsController.ts';
import { startGitOpsController } from '../bed/kubernetes/gitOpsController.ts';
import { rightsAskedFor, rightsIn } from '../bed/kubernetes/leastRights.ts';
import { releaseValues } from '../bed/kubernetes/plexRelease.ts';
import { defaultPlexVersion } from '../bed/plexServer/build.ts';
import { isLong } from '../long.ts';
import { identityAt } from './bothSides.ts';
import { faultsOf } from './endings.ts';
import { requireExit } from './interruption.ts';
import type { Helm } from './otherReleases.ts';
import { consent, helmCommands, mediaOf, withRelease } from './otherReleases.ts';
import type { Owner } from './ownerMarks.ts';
import { doCommands, leaveMarks, takeOffIn } from './ownerMarks.ts';
import { phaseOf } from './plexStarts.ts';
import type { Stage } from './stage.ts';
import { openStage } from './stage.ts';
import { beginAndWait, committedFrom, endedWith } from './waitingForCommit.ts';
import { differencesFromSource } from './wholeLibrary.ts';

// One source machine for all: what a release is moved into is taken back, or finished and then started again by hand, before the next.

let cluster: Cluster;
/** Its own release is the one that plexlift is told of where nothing else is said. */
let stage: Stage;

beforeAll(async () => {
  cluster = await startCluster({ name: 'owned-releases' });
  stage = await openStage({ cluster, name: 'owned-releases' });
});

afterAll(async () => {
  await stage?.close();
  await cluster?.stop();
});

type Pairing = readonly [Helm, Owner, 'finish' | 'rollback'];
/** Each Helm, each owner and each way out once. */
const pairings: readonly Pairing[] = [['helm3', 'Flux', 'finish'], ['helm4', 'Argo CD', 'rollback']];
/** What the full run tries as well. */
const otherPairings: readonly Pairing[] = [['helm4', 'Flux', 'rollback'], ['helm3', 'Argo CD', 'finish']];
/** Where nobody runs Helm but the owner of the release, plexlift may do this and no more. */
const withoutHelm = rightsIn(rightsWithoutHelm);

// Here it is the controller who runs Helm, and plexlift never does.
describe.each([...pairings, ...(isLong ? otherPairings : [])])('with %s a release that %s owns', (helm, kind, wayOut) => {
  const namespace = `${kind === 'Flux' ? 'flux' : 'argo'}-${helm}`;
  let owned: Stage;
  let controller: GitOpsController;
  let base: Readonly<Record<string, unknown>>;

  beforeAll(async () => {
    owned = await withRelease({ cluster, stage }, { helm, namespace });
    base = releaseValues({ media: mediaOf(stage) }, defaultPlexVersion);
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
    expect(allowed.filter((right) => !withoutHelm.includes(right))).toEqual([]);
    // Which of its two verbs kubectl asks for goes by the protocol.
    expect(withoutHelm.filter((right) => !allowed.includes(right) && !/pods\/(?:exec|portforward)$/.test(right))).toEqual([]);
    expect(helmCommands(owned)).toEqual([]);
    expect(controller.reverted()).toBe(0);
  });

  /** What of the gate is still in the release. */
  function leftovers(): Promise<string> {
    return cluster.run(['get', 'statefulset,configmap', '-n', owned.release.namespace, '-o', 'jsonpath={.items[*].spec.template.spec.initContainers[*].name}{.items[*].spec.template.metadata.annotations}{.items[*].data.init\\.sh}']);
  }
});
