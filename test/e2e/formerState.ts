import { execa } from 'execa';
import type { Cluster } from '../bed/kubernetes/cluster.ts';
import { helmEnvironment } from '../bed/kubernetes/plexRelease.ts';
import type { Stage } from './stage.ts';

/** Both sides as they are: equal to what they were before exactly when everything was taken back and nothing of plexlift is at work. */
export interface BothSides {
  /** The unit, its drop-ins, and the identity that the server there tells. */
  readonly source: string;
  readonly values: unknown;
  readonly chart: string;
  readonly manifest: string;
  readonly podTemplate: string;
  readonly ready: string;
  readonly initContainers: string;
  readonly configMaps: string;
  /** The identity that the server in the pod tells. */
  readonly identity: string;
  /** Processes of plexlift, in the pod and on the source. */
  readonly atWork: string;
}

const unit = 'plexmediaserver.service';

/** Looks at both sides without plexlift. A server that is starting is waited for. */
export async function lookAtBothSides(cluster: Cluster, stage: Stage): Promise<BothSides> {
  const { namespace, release, fullName, podName } = stage.release;
  const helm = async (...words: readonly string[]): Promise<string> => (await execa(cluster.helm3, [...words, '--namespace', namespace], { env: helmEnvironment(cluster) })).stdout;
  const get = (...words: readonly string[]): Promise<string> => cluster.run(['get', ...words, '--namespace', namespace]);
  const pod = (path: string): Promise<string> => get('pod', podName, '--output', `jsonpath=${path}`);
  const [installed] = JSON.parse(await helm('list', '--all', '--output', 'json')) as readonly { readonly status: string; readonly chart: string; readonly app_version: string }[];
  const source = await stage.vm.run(
    `systemctl show ${unit} --property=ActiveState,UnitFileState,DropInPaths,LoadState; ls /etc/systemd/system/${unit}.d 2>&1; for try in $(seq 60); do curl --silent --fail http://127.0.0.1:32400/identity && break; sleep 0.5; done`,
  );
  const identity = await stage.release.waitForServer();
  // It answers some seconds before the cluster has noticed.
  await cluster.run(['wait', '--for', 'condition=Ready', `pod/${podName}`, '--namespace', namespace, '--timeout', '60s']);
  return {
    source: source.stdout,
    values: JSON.parse(await helm('get', 'values', release, '--output', 'json')),
    chart: `${installed?.status} ${installed?.chart} ${installed?.app_version}`,
    manifest: await helm('get', 'manifest', release),
    podTemplate: await get('statefulset', fullName, '--output', 'jsonpath={.spec.template}'),
    identity,
    ready: await pod('{.status.conditions[?(@.type=="Ready")].status}'),
    initContainers: await pod('{.spec.initContainers}'),
    configMaps: await get('configmaps', '--output', 'name'),
    atWork: `${await stage.release.shell("cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -oE '(gate|init)[.]sh [a-z]+' || true")}${(await stage.vm.run("pgrep --full --list-full '[p]lexlift' || true")).stdout}`,
  };
}
