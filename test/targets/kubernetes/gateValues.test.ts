import { describe, expect, test } from 'vitest';
import { gateContainerName, gateValues, pinnedValues, runAnnotation, scriptAnnotation, scriptDigest, tagOf } from '../../../src/targets/kubernetes/gateValues.ts';
import type { Container } from '../../../src/targets/kubernetes/workload.ts';

const plex: Container = {
  name: 'plex-plex-media-server-pms',
  image: 'registry.local:5000/plexinc/pms-docker:1.43.0.10492-121068a07',
  imagePullPolicy: 'IfNotPresent',
  env: [],
  volumeMounts: [
    { name: 'pms-config', mountPath: '/config' },
    { name: 'pms-transcode', mountPath: '/transcode' },
    { name: 'library', mountPath: '/media/library', readOnly: true },
    { name: 'token', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
  ],
};
const options = { values: {}, run: '20261123t181500-4f2a', script: '#!/bin/sh\n', plex, version: '1.43.4.10718-1e3cb7a60', owner: { uid: 1000, gid: 1001 }, nodePassesMountsOn: false };

type Gate = { name: string; image: string; command: string[]; env: { name: string; value: string }[]; volumeMounts: { name: string; mountPath: string }[] };
const gateIn = (values: Readonly<Record<string, unknown>>): Gate => (values['extraInitContainers'] as Gate[]).find((container) => container.name === gateContainerName) as Gate;

describe('the values that put the gate into a release', () => {
  test('run the gate with the image that Plex will have', () => {
    const gate = gateIn(gateValues(options));

    expect(gate.image).toBe('registry.local:5000/plexinc/pms-docker:1.43.4.10718-1e3cb7a60');
    expect(gate.command).toEqual(['sh', '/plexlift/init.sh', 'gate']);
    expect(gate.env).toContainEqual({ name: 'PLEX_GID', value: '1001' });
  });

  test('show the gate the volume, the media and the script, and nothing else', () => {
    expect(gateIn(gateValues(options)).volumeMounts.map((mount) => mount.mountPath)).toEqual(['/config', '/media/library', '/plexlift']);
  });

  test('have the gate see what its node mounts while it waits, where the node can and nobody wants it otherwise', () => {
    const own = { name: 'own', mountPath: '/media/own', mountPropagation: 'None' };
    const strict = { name: 'strict', mountPath: '/media/strict', readOnly: true, recursiveReadOnly: 'Enabled' };
    const plexWithMore = { ...plex, volumeMounts: [...plex.volumeMounts, own, strict] };
    const mounts = gateIn(gateValues({ ...options, plex: plexWithMore, nodePassesMountsOn: true })).volumeMounts;
    expect(mounts).toEqual([plex.volumeMounts[0], { ...plex.volumeMounts[2], mountPropagation: 'HostToContainer' }, own, strict, expect.objectContaining({ mountPath: '/plexlift' })]);
    expect(gateIn(gateValues({ ...options, plex: plexWithMore })).volumeMounts.slice(1, 2)).toEqual([plex.volumeMounts[2]]);
  });

  test('carry the script and tell which run the pod was made for', () => {
    const values = gateValues(options);

    expect(values['initContainer']).toEqual({ script: '#!/bin/sh\n' });
    expect(values['statefulSet']).toEqual({ podAnnotations: { [runAnnotation]: options.run, [scriptAnnotation]: scriptDigest('#!/bin/sh\n') } });
  });

  test('keep the user\'s own values', () => {
    const theirs = {
      image: { repository: 'plexinc/pms-docker', tag: 'latest', pullPolicy: 'Always' },
      initContainer: { image: { tag: '3.20' }, script: 'echo mine' },
      extraInitContainers: [{ name: 'theirs', image: 'busybox' }],
      extraEnv: { TZ: 'Europe/Berlin', S6_SERVICES_GRACETIME: '20000' },
      statefulSet: { annotations: { a: 'b' }, podAnnotations: { c: 'd' } },
      pms: { configStorage: '50Gi' },
    };

    const values = gateValues({ ...options, values: theirs });

    expect(values).toMatchObject({
      image: { repository: 'plexinc/pms-docker', tag: options.version, pullPolicy: 'Always' },
      initContainer: { image: { tag: '3.20' }, script: options.script },
      extraEnv: theirs.extraEnv,
      statefulSet: { annotations: { a: 'b' }, podAnnotations: { c: 'd' } },
      pms: theirs.pms,
    });
    expect((values['extraInitContainers'] as { name: string }[]).map((container) => container.name)).toEqual(['theirs', gateContainerName]);
  });

  test('are the same when put on top of themselves', () => {
    const once = gateValues(options);

    expect(gateValues({ ...options, values: once })).toEqual(once);
  });

  test('give Plex time to stop', () => {
    expect(gateValues(options)['extraEnv']).toEqual({ S6_SERVICES_GRACETIME: '90000' });
  });

  test('leave the image alone where no version is to be pinned', () => {
    const values = gateValues({ ...options, version: null });

    expect(values['image']).toBeUndefined();
    expect(gateIn(values).image).toBe(plex.image);
  });
});

test('finishing leaves the user\'s own values and the pinned tag', () => {
  expect(pinnedValues({ image: { pullPolicy: 'Always', sha: 'abc' }, pms: {} }, '1.43.4.1-0123abcde')).toEqual({ image: { pullPolicy: 'Always', sha: '', tag: '1.43.4.1-0123abcde' }, pms: {} });
  expect(pinnedValues({ pms: {} }, null)).toEqual({ pms: {} });
});

test.each([
  ['plexinc/pms-docker:1.43.0.10492-121068a07', '1.43.0.10492-121068a07'],
  ['localhost:5000/pms-docker', null],
  ['localhost:5000/pms-docker:latest', 'latest'],
  ['plexinc/pms-docker:1.2@sha256:0123', '1.2'],
  ['plexinc/pms-docker@sha256:0123', null],
])('the tag of %s is %s', (image, tag) => {
  expect(tagOf(image)).toBe(tag);
});
