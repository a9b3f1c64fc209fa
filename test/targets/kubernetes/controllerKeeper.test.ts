import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readGateScript } from '../../../src/targets/gate/gateScript.ts';
import { clusterOn } from '../../../src/targets/kubernetes/cluster.ts';
import type { Controller } from '../../../src/targets/kubernetes/controller.ts';
import { controllerKeeper } from '../../../src/targets/kubernetes/controllerKeeper.ts';
import { gateContainerName, runAnnotation } from '../../../src/targets/kubernetes/gateValues.ts';
import type { TargetFacts } from '../../../src/targets/target.ts';
import type { StatefulSetOptions } from './fakeCluster.ts';
import { listOf, machineWith, scriptConfigMap, scriptVolume, statefulSet } from './fakeCluster.ts';

const oldImage = 'plexinc/pms-docker:1.43.0.10492-121068a07';
const version = '1.43.4.10718-1e3cb7a60';
const before = { owner: { uid: 1000, gid: 1000 }, before: { revision: null, podWasReady: true, identity: 'i', image: oldImage } } as unknown as TargetFacts;
const request = { run: '20261126t140000-0abc', version, before };
const argo: Controller = { name: 'Argo CD', object: 'Application "plex"', marks: [], managers: [] };
const flux: Controller = { name: 'Flux', object: 'HelmRelease "flux-system/plex"', marks: [], managers: [] };

interface CommittedValues {
  readonly image?: { readonly tag: string };
  readonly initContainer?: { readonly script: string };
  readonly extraInitContainers?: readonly { readonly name: string; readonly image: string }[];
  readonly extraEnv?: Readonly<Record<string, string>>;
  readonly statefulSet?: { readonly podAnnotations: Readonly<Record<string, string>> };
}

/** A cluster with nobody but a controller who changes the release, as a test has it apply values. */
function ownedRelease(controller: Controller) {
  let set: StatefulSetOptions = {};
  let script: string | null = null;
  const shown: string[] = [];
  const notes: string[] = [];
  const stop = new AbortController();
  const machine = machineWith({
    get 'kubectl get statefulsets'() {
      return listOf(statefulSet(set));
    },
    get 'kubectl get configmap'() {
      return script === null ? '' : scriptConfigMap(script);
    },
  });
  const committer = { show: (yaml: string) => `in "/run/${shown.push(yaml)}.yaml"`, note: (text: string) => void notes.push(text), signal: stop.signal };
  return {
    keeper: controllerKeeper(clusterOn(machine, { namespace: 'plex', kubectl: 'kubectl', helm: 'helm' }), { release: 'plex', controller, committer, pollMs: 5 }),
    shown,
    notes,
    stop: () => stop.abort(),
    /** Renders values as the chart would. */
    apply(values: CommittedValues, image = oldImage): void {
      script = values.initContainer?.script ?? null;
      set = {
        image: values.image === undefined ? image : image.replace(/:.*/, `:${values.image.tag}`),
        env: Object.entries(values.extraEnv ?? {}).map(([name, value]) => ({ name, value })),
        initContainers: (values.extraInitContainers ?? []).map((container) => ({ ...container, terminationMessagePath: '/dev/termination-log' })),
        podAnnotations: values.statefulSet?.podAnnotations ?? {},
        volumes: script === null ? [] : [scriptVolume],
      };
    },
  };
}

/** What is shown next, once it is. */
async function nextShown({ shown }: { readonly shown: readonly string[] }, number = 1): Promise<unknown> {
  await expect.poll(() => shown.length, { timeout: 5000, interval: 5 }).toBe(number);
  return parse(shown[number - 1] ?? '');
}

/** Waits until this is the last that was told. */
async function told({ notes }: { readonly notes: readonly string[] }, note: string): Promise<void> {
  await expect.poll(() => notes.at(-1), { timeout: 5000, interval: 5 }).toBe(note);
}

describe('the gate comes into a release that Argo CD owns', () => {
  test('by exactly the values that are shown, waited for until the StatefulSet carries all of them', async () => {
    const owned = ownedRelease(argo);
    const { keeper, shown, notes, apply } = owned;
    const bringing = keeper.putGate(request);

    const values = (await nextShown(owned)) as CommittedValues;
    expect(values.image).toEqual({ tag: version, sha: '' });
    expect(values.initContainer?.script).toBe(await readGateScript());
    expect(values.extraInitContainers).toMatchObject([{ name: gateContainerName, image: `plexinc/pms-docker:${version}` }]);
    expect(notes[0]).toContain('runs no Helm');
    expect(notes[0]).toContain('in "/run/1.yaml"');

    apply(values);
    expect(await bringing).toEqual([`Argo CD brought the gate into release "plex": it holds Plex back, and image.tag is ${version}`]);
    expect(await keeper.putGate(request)).toEqual([]);
    expect(shown).toHaveLength(1);
  });

  test('but not by a part of them, which is told once for each change', async () => {
    const owned = ownedRelease(argo);
    const { keeper, apply } = owned;
    const bringing = keeper.putGate(request);
    const values = (await nextShown(owned)) as Required<CommittedValues>;

    const { extraInitContainers, ...rest } = values;
    apply(rest);
    await told(owned, 'Argo CD applied something; not there yet: extraInitContainers');

    apply({ ...values, extraInitContainers: extraInitContainers.map((container) => ({ ...container, image: oldImage })), initContainer: { script: values.initContainer.script.replaceAll('    ', '') } });
    await told(owned, 'Argo CD applied something; not there yet: initContainer.script, extraInitContainers');

    apply({ ...values, extraInitContainers: [{ name: 'their-own', image: 'busybox' }, ...extraInitContainers], extraEnv: { S6_SERVICES_GRACETIME: '20000' }, initContainer: { script: `${values.initContainer.script}\n` } });
    expect(await bringing).toHaveLength(1);
  });

  test('for this run only: the gate of another is no gate', async () => {
    const owned = ownedRelease(argo);
    const { keeper, apply } = owned;
    const bringing = keeper.putGate(request);
    const values = (await nextShown(owned)) as Required<CommittedValues>;
    apply({ ...values, statefulSet: { podAnnotations: { ...values.statefulSet.podAnnotations, [runAnnotation]: 'another' } } });
    await told(owned, 'Argo CD applied something; not there yet: statefulSet.podAnnotations');

    apply(values);
    expect(await bringing).toHaveLength(1);
  });

  test('and Ctrl-C ends the waiting, which the same command takes up', async () => {
    const owned = ownedRelease(argo);
    const { keeper, stop, shown } = owned;
    const bringing = keeper.putGate(request);
    await nextShown(owned);
    stop();

    await expect(bringing).rejects.toMatchObject({ kind: 'interrupted', remedy: expect.stringContaining('same command') });
    await expect(keeper.putGate(request)).rejects.toMatchObject({ kind: 'interrupted' });
    expect(shown[1]).toBe(shown[0]);
  });
});

test('for Flux the same stands in the HelmRelease, with the waiting switched off', async () => {
  const owned = ownedRelease(flux);
  const { keeper, shown, notes, apply } = owned;
  const bringing = keeper.putGate(request);

  const { spec } = (await nextShown(owned)) as { readonly spec: { readonly install: unknown; readonly upgrade: unknown; readonly values: CommittedValues } };
  expect([spec.install, spec.upgrade]).toEqual([{ disableWait: true }, { disableWait: true }]);
  expect(shown[0]).toContain('HelmRelease "flux-system/plex"');
  expect(notes[0]).toContain('disableWait');
  apply(spec.values);
  await bringing;
});

test('a release is put back when nothing of the gate is left and the former image is there again', async () => {
  const owned = ownedRelease(argo);
  const { keeper, notes, apply } = owned;
  const bringing = keeper.putGate(request);
  const values = (await nextShown(owned)) as Required<CommittedValues>;
  apply(values);
  await bringing;

  const putting = keeper.putBack(before);
  await expect.poll(() => notes.at(-1), { timeout: 5000, interval: 5 }).toContain(`The image is to be ${oldImage} again`);
  apply({ image: values.image, initContainer: values.initContainer });
  await told(owned, 'Argo CD applied something; not as it should be yet: initContainer.script, image.tag');
  apply({ image: values.image });
  await told(owned, 'Argo CD applied something; not as it should be yet: image.tag');
  apply({});

  expect(await putting).toEqual(['Argo CD took the gate out of release "plex"']);
  expect(await keeper.putBack(before)).toEqual(['Release "plex", which Argo CD owns (Application "plex"), carries nothing of plexlift; revert what was committed for it, if that was not applied yet']);
  expect(keeper.goBack).toBeNull();
});

test('after finishing the version stays, and one that went back with the rest is waited for', async () => {
  const owned = ownedRelease(flux);
  const { keeper, apply } = owned;
  const bringing = keeper.putGate(request);
  apply(((await nextShown(owned)) as { readonly spec: { readonly values: CommittedValues } }).spec.values);
  await bringing;

  const taking = keeper.takeGateAway(before);
  expect(await nextShown(owned, 2)).toEqual({ spec: { values: { image: { tag: version, sha: '' } } } });
  apply({});
  await told(owned, 'Flux applied something; not as it should be yet: image.tag');
  apply({ image: { tag: version } });
  await taking;
});
