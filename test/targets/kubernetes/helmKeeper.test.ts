import { expect, test } from 'vitest';
import { CommandFailed } from '../../../src/machines/command.ts';
import type { Machine } from '../../../src/machines/machine.ts';
import { clusterOn } from '../../../src/targets/kubernetes/cluster.ts';
import { gateContainerName } from '../../../src/targets/kubernetes/gateValues.ts';
import { helmKeeper } from '../../../src/targets/kubernetes/helmKeeper.ts';
import type { ReleaseKeeper } from '../../../src/targets/kubernetes/releaseKeeper.ts';
import type { TargetFacts } from '../../../src/targets/target.ts';
import { listOf, machineWith, recordSecret, scriptConfigMap, scriptVolume, statefulSet } from './fakeCluster.ts';

const image = 'plexinc/pms-docker:1.43.0.10492-121068a07';
const version = '1.43.4.10718-1e3cb7a60';
const theirs = { image: { tag: '1.43.0.10492-121068a07' }, pms: { configExistingClaim: 'mine' } };
const factsOf = (revision: number | null): TargetFacts => ({ owner: { uid: 1000, gid: 1000 }, before: { revision, podWasReady: true, identity: 'i', image } }) as unknown as TargetFacts;
const before = factsOf(1);
const request = { run: '20261126t140000-0abc', version, before };

interface Values {
  readonly image?: { readonly tag?: string };
  readonly initContainer?: { readonly script?: string };
  readonly extraInitContainers?: readonly object[];
  readonly extraEnv?: Readonly<Record<string, string>>;
  readonly statefulSet?: { readonly podAnnotations?: object };
}
interface Revision {
  readonly status: string;
  readonly values: Values;
}
/** What a Helm in a test does with an upgrade: ends it, fails in the middle of it, or before it began. */
type Ending = 'done' | 'fails in the middle' | 'fails at once';

/** A release whose Helm renders and records as the real one does. */
function helmRelease({ history, upgradeEnds = 'done', rollbackEnds = 'done', rendersGate = true, chart }: { readonly history: readonly Revision[]; readonly upgradeEnds?: Ending; readonly rollbackEnds?: Ending; readonly rendersGate?: boolean; readonly chart?: string }) {
  const revisions: Revision[] = [...history];
  const calls: string[] = [];
  let inCluster: Values = history.findLast(({ status }) => status === 'deployed')?.values ?? {};

  function change(values: Values, ending: Ending): boolean {
    if (ending === 'fails at once') return false;
    inCluster = values;
    for (const [at, revision] of revisions.entries()) if (ending === 'done' && revision.status === 'deployed') revisions[at] = { ...revision, status: 'superseded' };
    revisions.push({ status: ending === 'done' ? 'deployed' : 'failed', values });
    return ending === 'done';
  }

  const machine: Machine = {
    ...machineWith({}),
    async run(command, options) {
      if (command.program === 'kubectl') return kubectl().run(command, options);
      const [verb, , third = ''] = command.arguments;
      calls.push(command.arguments.slice(0, 3).join(' ').replace(/\/\S*plexlift-chart-\S*/, 'its own chart'));
      const isDone = verb === 'upgrade' ? change(JSON.parse(String(options?.input)) as Values, upgradeEnds) : change(revisions[Number(third) - 1]?.values ?? {}, rollbackEnds);
      if (isDone) return { exitCode: 0, stdout: '', stderr: '' };
      throw new CommandFailed({ machine: 'this computer', command, exitCode: 1, reason: 'it exited with 1', stderr: `Error: ${verb ?? ''} forbidden by quota` }, 'See to it');
    },
  };

  function kubectl(): Machine {
    const script = inCluster.initContainer?.script;
    const set = statefulSet({
      image: `plexinc/pms-docker:${inCluster.image?.tag ?? '1'}`,
      env: Object.entries(inCluster.extraEnv ?? {}).map(([name, value]) => ({ name, value })),
      initContainers: rendersGate ? (inCluster.extraInitContainers ?? []) : [],
      podAnnotations: inCluster.statefulSet?.podAnnotations ?? {},
      volumes: script === undefined ? [] : [scriptVolume],
    });
    const records = revisions.map(({ status, values }, at) => recordSecret({ revision: at + 1, status, values }));
    return machineWith({
      'kubectl get statefulsets': listOf(set),
      'kubectl get configmap': script === undefined ? '' : scriptConfigMap(script),
      ...Object.fromEntries(records.map((record, at) => [`kubectl get secrets --selector owner=helm,name=plex,version=${at + 1} `, listOf(record)])),
      'kubectl get secrets --selector owner=helm,name=plex ': listOf(...records),
    });
  }

  const keeper: ReleaseKeeper = helmKeeper(clusterOn(machine, { namespace: 'plex', kubectl: 'kubectl', helm: 'helm' }), { release: 'plex', chart });
  return { keeper, calls, values: () => inCluster, revisions };
}

const deployed: readonly Revision[] = [{ status: 'deployed', values: theirs }];

test('the gate comes in with the release\'s own chart and everything of the user\'s', async () => {
  const { keeper, calls, values } = helmRelease({ history: deployed });

  expect(await keeper.putGate(request)).toEqual([`Release "plex" was upgraded with its own chart 1.5.0: the gate holds Plex back, and image.tag is ${version}`]);
  expect(calls).toEqual(['upgrade plex its own chart']);
  expect(values()).toMatchObject({ pms: theirs.pms, image: { tag: version }, extraInitContainers: [{ name: gateContainerName }] });
  expect(await keeper.putGate(request)).toEqual([]);
  expect(await keeper.putBack(before)).toEqual(['Release "plex" was put back to revision 1']);
  expect(values()).toEqual(theirs);
  expect(await keeper.putBack(before)).toEqual(['Release "plex" is at its former values']);
});

test('a release that somebody upgraded since it was looked at is refused, but for taking a library back', async () => {
  const changed = { ...theirs, pms: { configExistingClaim: 'another' } };
  const { keeper, calls, values } = helmRelease({ history: [...deployed, { status: 'deployed', values: changed }] });

  await expect(keeper.putGate(request)).rejects.toMatchObject({ kind: 'refused', message: expect.stringContaining('it was upgraded since it was looked at'), facts: ['it was looked at as revision 1, and revision 2 has other values, or another chart'], remedy: expect.stringMatching(/"plexlift rollback".*upgrade it again; then "plexlift migrate".*"helm rollback plex 1 --namespace plex"/) });
  expect([calls, values()]).toEqual([[], changed]);
  const failed = helmRelease({ history: [...deployed, { status: 'failed', values: changed }] });
  await expect(failed.keeper.putGate(request)).rejects.toMatchObject({ kind: 'refused' });
  await keeper.putGate(request, { acceptsChanges: true });
  expect(calls).toEqual(['upgrade plex its own chart']);
});

test('one that was upgraded with the same values is none of that', async () => {
  const { keeper, calls } = helmRelease({ history: [...deployed, { status: 'deployed', values: theirs }] });

  await keeper.putGate(request);
  expect(calls).toEqual(['upgrade plex its own chart']);
});

test('another chart is used where one is named', async () => {
  const { keeper, calls } = helmRelease({ history: deployed, chart: './mine' });

  expect(await keeper.putGate(request)).toEqual([expect.stringContaining('with the chart "./mine"')]);
  await keeper.takeGateAway(before);
  expect(calls).toEqual(['upgrade plex ./mine', 'upgrade plex ./mine']);
});

test('an upgrade that fails in the middle is rolled back, with Helm\'s own words', async () => {
  const { keeper, calls, values, revisions } = helmRelease({ history: deployed, upgradeEnds: 'fails in the middle' });

  await expect(keeper.putGate(request)).rejects.toMatchObject({ kind: 'failed', message: expect.stringContaining('It was put back to revision 1'), facts: ['Error: upgrade forbidden by quota'] });
  expect(calls).toEqual(['upgrade plex its own chart', 'rollback plex 1']);
  expect(values()).toEqual(theirs);
  expect(revisions.at(-1)?.status).toBe('deployed');
});

test('an upgrade that fails before it changes anything needs no rolling back', async () => {
  const { keeper, calls } = helmRelease({ history: deployed, upgradeEnds: 'fails at once' });

  await expect(keeper.putGate(request)).rejects.toThrow('it exited with 1');
  expect(calls).toEqual(['upgrade plex its own chart']);
});

test('where rolling back fails as well, both are told, and the command to type', async () => {
  const { keeper } = helmRelease({ history: deployed, upgradeEnds: 'fails in the middle', rollbackEnds: 'fails at once' });

  await expect(keeper.putGate(request)).rejects.toMatchObject({ message: expect.stringContaining('could not be put back to revision 1'), facts: ['Error: upgrade forbidden by quota'], remedy: expect.stringContaining('"helm rollback plex 1 --namespace plex"') });
});

test('a chart that makes nothing of the gate is refused, and the release put back', async () => {
  const { keeper, calls, values } = helmRelease({ history: deployed, rendersGate: false });

  await expect(keeper.putGate(request)).rejects.toMatchObject({ message: expect.stringContaining('does not carry the gate'), facts: ['its chart 1.5.0 makes nothing of: extraInitContainers'] });
  expect(calls).toEqual(['upgrade plex its own chart', 'rollback plex 1']);
  expect(values()).toEqual(theirs);
});

test('a revision that somebody else left pending is refused with the command that ends it', async () => {
  const { keeper, calls } = helmRelease({ history: [...deployed, { status: 'pending-upgrade', values: { image: { tag: 'other' } } }] });

  await expect(keeper.putGate(request)).rejects.toMatchObject({ message: expect.stringContaining('its revision 2 is pending-upgrade'), remedy: expect.stringContaining('"helm rollback plex 1 --namespace plex"') });
  expect(calls).toEqual([]);
});

test('a revision that this run left pending is rolled back first', async () => {
  const { keeper, calls } = helmRelease({ history: [...deployed, { status: 'pending-upgrade', values: { statefulSet: { podAnnotations: { 'plexlift/run': request.run } } } }] });

  await keeper.putGate(request);
  expect(calls).toEqual(['rollback plex 1', 'upgrade plex its own chart']);
});

test('finishing leaves the user\'s own values and the version', async () => {
  const { keeper, values } = helmRelease({ history: deployed });
  await keeper.putGate(request);

  expect(await keeper.takeGateAway(before)).toEqual([expect.stringContaining(`image.tag: ${version}`)]);
  expect(values()).toEqual({ ...theirs, image: { tag: version, sha: '' } });
});

test('a release that a controller owned when it was looked at first cannot be put back by Helm', async () => {
  const { keeper } = helmRelease({ history: deployed });

  await expect(keeper.putBack(factsOf(null))).rejects.toThrow('a controller owned it when it was looked at first');
});
