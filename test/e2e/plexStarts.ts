import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { readJournal } from '../../src/runner/journal.ts';
import type { Cluster } from '../bed/kubernetes/cluster.ts';
import type { Stage } from './stage.ts';

/** Seconds since the epoch: as exactly as Kubernetes tells when a container started. */
type Second = number;

/** What a watch saw, from the gate's coming on. */
export interface SeenStarts {
  /** When the journal says that Plex was held back. */
  readonly gateAt: Second;
  /** When the volume first said "published". */
  readonly publishedAt: Second;
  /** Every start of the Plex container, in order. */
  readonly startedAt: readonly Second[];
  /** The first line in the log of the published library: a server writes it before anything else, whoever watches or not. */
  readonly firstLogLineAt: Second;
}

const pollMs = 20;

/** Watches a stage's pod from outside: kubectl for the Plex container's starts, the volume itself for its phase. */
export function watchPlexStarts(cluster: Cluster, stage: Stage): { seen(): Promise<SeenStarts> } {
  const { namespace, podName, configHostPath } = stage.release;
  const startedAt = '{.status.containerStatuses[*].state.running.startedAt}{" "}{.status.containerStatuses[*].state.terminated.startedAt}{" "}';
  const watch = execa(cluster.kubectl, ['--kubeconfig', cluster.kubeconfig, '--namespace', namespace, 'get', 'pod', podName, '--watch', '--output', `jsonpath=${startedAt}`], { reject: false });
  let told = '';
  watch.stdout.on('data', (chunk: Buffer) => {
    told += chunk.toString('utf8');
  });
  const ending = new AbortController();
  const published = publishedAt(configHostPath, ending.signal);

  return {
    async seen() {
      ending.abort();
      watch.kill();
      await watch;
      return {
        gateAt: secondOf(readJournal(`${stage.runDirectory}/journal.ndjson`).findLast((event) => event.type === 'step-finished' && event.step === 'open-target')?.at ?? ''),
        publishedAt: await published,
        startedAt: [...new Set(told.split(' ').filter((word) => word !== '').map(secondOf))].toSorted((left, right) => left - right),
        firstLogLineAt: firstLogLineAt(configHostPath),
      };
    },
  };
}

async function publishedAt(configHostPath: string, signal: AbortSignal): Promise<Second> {
  while (!signal.aborted) {
    if (phaseOf(configHostPath) === 'published') return Math.floor(Date.now() / 1000);
    await delay(pollMs);
  }
  throw new Error('The volume never said "published"');
}

/** The phase that the volume says it is at. */
export function phaseOf(configHostPath: string): string {
  return /^phase (.*)$/m.exec(stateOf(configHostPath))?.[1] ?? 'none';
}

/** Whether the volume says that a published library is held back. */
export function isHeld(configHostPath: string): boolean {
  return /^held yes$/m.test(stateOf(configHostPath));
}

function stateOf(configHostPath: string): string {
  try {
    return readFileSync(join(configHostPath, '.plexlift/state'), 'utf8');
  } catch {
    // Not there: no run has opened the volume.
    return '';
  }
}

/** From `Nov 23, 2026 18:15:00.123 [12] INFO - …`, in UTC. */
function firstLogLineAt(configHostPath: string): Second {
  const log = readFileSync(join(configHostPath, 'Library/Application Support/Plex Media Server/Logs/Plex Media Server.log'), 'utf8');
  return secondOf(`${log.slice(0, log.indexOf(' ['))} UTC`);
}

function secondOf(moment: string): Second {
  return Math.floor(Date.parse(moment) / 1000);
}
