import { gzipSync } from 'node:zlib';
import { CommandFailed } from '../../../src/machines/command.ts';
import type { Command, CommandResult, Machine } from '../../../src/machines/machine.ts';

/** What a cluster answers to kubectl and helm: by the words of the command behind the global flags. */
export interface Answers {
  readonly [words: string]: string | { readonly exitCode: number; readonly stderr: string };
}

/** A machine whose kubectl and helm give the answers of a table; a command that is not in it fails, naming itself. */
export function machineWith(answers: Answers): Machine {
  return {
    name: 'this computer',
    async run(command, options): Promise<CommandResult> {
      const words = wordsOf(command);
      const found = Object.entries(answers).find(([start]) => words.startsWith(start));
      if (found === undefined) throw new Error(`no answer is known for "${words}"`);
      const answer = typeof found[1] === 'string' ? { exitCode: 0, stdout: found[1], stderr: '' } : { stdout: '', ...found[1] };
      if (answer.exitCode === 0 || (options?.answers ?? []).includes(answer.exitCode)) return answer;
      throw new CommandFailed({ machine: 'this computer', command, exitCode: answer.exitCode, reason: `it exited with ${answer.exitCode}`, stderr: answer.stderr }, 'See to it');
    },
    open: () => {
      throw new Error('nothing is opened here');
    },
  };
}

function wordsOf(command: Command): string {
  const words = [command.program, ...command.arguments].join(' ');
  return words.replace(/ --namespace \S+/, '');
}

/** A release record as Helm keeps it. */
export function recordSecret(options: { readonly revision?: number; readonly status?: string; readonly chart?: string; readonly values?: object; readonly manifest?: string; readonly templates?: readonly { name: string; text: string }[] } = {}): object {
  const record = {
    version: options.revision ?? 3,
    info: { status: options.status ?? 'deployed', last_deployed: '2026-11-23T18:15:00Z' },
    config: options.values ?? {},
    manifest: options.manifest ?? '',
    chart: {
      metadata: { name: options.chart ?? 'plex-media-server', version: '1.5.0', apiVersion: 'v2' },
      templates: (options.templates ?? []).map(({ name, text }) => ({ name, data: Buffer.from(text).toString('base64') })),
      files: null,
      values: { image: { tag: 'x' } },
      schema: null,
    },
  };
  const once = gzipSync(JSON.stringify(record)).toString('base64');
  return { metadata: { labels: { version: String(options.revision ?? 3), status: options.status ?? 'deployed' } }, data: { release: Buffer.from(once).toString('base64') } };
}

/** What a StatefulSet may be given beside what the official chart always makes. */
export interface StatefulSetOptions {
  readonly name?: string;
  readonly replicas?: number;
  readonly labels?: object;
  readonly annotations?: object;
  readonly managers?: readonly string[];
  readonly podAnnotations?: object;
  readonly image?: string;
  readonly env?: readonly object[];
  readonly initContainers?: readonly object[];
  readonly volumes?: readonly object[];
}

/** A StatefulSet of the official chart. */
export function statefulSet(options: StatefulSetOptions = {}): object {
  return {
    metadata: { name: options.name ?? 'plex-plex-media-server', labels: options.labels ?? {}, annotations: options.annotations ?? {}, managedFields: (options.managers ?? ['helm']).map((manager) => ({ manager })) },
    spec: {
      ...(options.replicas === undefined ? {} : { replicas: options.replicas }),
      template: {
        metadata: { annotations: options.podAnnotations ?? {} },
        spec: {
          initContainers: options.initContainers ?? [],
          containers: [{ name: 'plex-pms', image: options.image ?? 'plexinc/pms-docker:1.43.0.10492-121068a07', env: options.env ?? [], volumeMounts: [{ name: 'pms-config', mountPath: '/config' }] }],
          volumes: options.volumes ?? [],
        },
      },
    },
    status: { updateRevision: 'rev-1' },
  };
}

/** The volume of the chart's ConfigMap with a script. */
export const scriptVolume = { name: 'init-script-configmap', configMap: { name: 'plex-plex-media-server-init-script' } };

/** That ConfigMap, as kubectl prints it. */
export function scriptConfigMap(script: string): string {
  return JSON.stringify({ data: { 'init.sh': script } });
}

/** A pod of it. */
export function pod(container: object = { name: 'plex-pms', ready: true, state: { running: {} } }): object {
  return { metadata: { name: 'plex-plex-media-server-0', uid: 'u1', labels: { 'controller-revision-hash': 'rev-1' } }, status: { phase: 'Running', containerStatuses: [container] } };
}

/** A list as kubectl prints it. */
export function listOf(...items: readonly object[]): string {
  return JSON.stringify({ items });
}
