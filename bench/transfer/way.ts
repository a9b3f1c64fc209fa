import { cpus } from 'node:os';
import { sourceDataDirectory } from '../../test/e2e/sidesOfStage.ts';
import type { Bed } from './bed.ts';
import { notBulk } from './bulk.ts';
import { quoted } from './shellWork.ts';

/** The ways a tree is copied, by the names they are chosen by. */
export const wayNames = ['plexlift', 'rsync', 'tar-exec', 'kubectl-cp', 'floor'] as const;

/** The name of a way. */
export type WayName = (typeof wayNames)[number];

/** A way that is one line typed into a shell. */
export interface ShellWay {
  /** What a table calls it. */
  readonly title: string;
  /** The line; its result lies in `here`, a directory of the volume that exists and is empty. */
  line(bed: Bed, place: { readonly here: string; readonly inPod: string; readonly archives: string }): string;
  /** Directories of the data directory that it copies, where that is not all of the bulk. */
  readonly only?: readonly string[];
}

/** Whom everything belongs to on the volume: the image's own user. */
export const owner = { uid: 1000, gid: 1000 };

/** What plexlift is measured beside. */
export const shellWays: Readonly<Record<Exclude<WayName, 'plexlift'>, ShellWay>> = {
  rsync: {
    title: 'rsync -a over ssh, no Kubernetes',
    line: ({ stage }, { here }) => {
      const excluded = notBulk.map((path) => quoted(`--exclude=/${path}`)).join(' ');
      return `rsync -a --numeric-ids --chown=${owner.uid}:${owner.gid} --rsync-path='sudo rsync' -e ${quoted(`ssh -F ${stage.vm.sshConfigFile}`)} ${excluded} ${quoted(`${stage.vm.sshDestination}:${sourceDataDirectory}/`)} ${quoted(`${here}/`)}`;
    },
  },
  'tar-exec': {
    title: 'ssh tar \\| kubectl exec tar x, one stream',
    line: (bed, { inPod }) => `${sourceTar(bed)} | ${kubectl(bed)} exec -i -n ${bed.stage.release.namespace} ${bed.stage.release.podName} -c ${gateContainer} -- tar --extract --file=- --numeric-owner --same-owner --directory=${inPod}`,
  },
  'kubectl-cp': {
    title: 'kubectl cp, from this disk',
    only: ['Metadata', 'Media'],
    line: (bed, { inPod }) =>
      ['Metadata', 'Media'].map((name) => `${kubectl(bed)} cp -n ${bed.stage.release.namespace} -c ${gateContainer} ${quoted(`${bed.data}/${name}`)} ${bed.stage.release.podName}:${inPod}`).join(' && '),
  },
  floor: {
    title: 'floor: tar x of the same segments from this disk',
    line: (_, { here, archives }) => {
      const extract = `tar --extract --numeric-owner --same-owner --directory=${quoted(here)} --file`;
      return `cd ${quoted(archives)} && ls leaves-* | xargs -n 1 -P ${Math.min(2, cpus().length)} ${extract} && ls directories-* | xargs -n 1 ${extract}`;
    },
  },
};

/** Where the container waits that stands for the pod. */
const gateContainer = 'plexlift-gate';

/** The line that makes one tar of the bulk on the source and brings it here through ssh. */
export function sourceTar({ stage }: Pick<Bed, 'stage'>): string {
  const excluded = notBulk.map((path) => quoted(`--exclude=./${path}`)).join(' ');
  const remote = `sudo tar --create --file=- --numeric-owner --owner=:${owner.uid} --group=:${owner.gid} --anchored ${excluded} --directory=${quoted(sourceDataDirectory)} .`;
  return `ssh -F ${quoted(stage.vm.sshConfigFile)} ${stage.vm.sshDestination} ${quoted(remote)}`;
}

function kubectl({ cluster }: Pick<Bed, 'cluster'>): string {
  return `KUBECONFIG=${quoted(cluster.kubeconfig)} ${quoted(cluster.kubectl)}`;
}
