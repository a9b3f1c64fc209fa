import { setTimeout as delay } from 'node:timers/promises';
import { PlexliftError } from '../../errors.ts';
import type { Machine } from '../../machines/machine.ts';
import type { ServerConnection } from '../../server/connection.ts';
import type { Cluster } from './cluster.ts';

/** Plex's own port, as the chart's container names it. */
const plexPort = 32400;
/** kubectl says within moments where it listens, or why it cannot. */
const announceTimeoutMs = 20_000;

/** A way from here to the pod's server, through `kubectl port-forward` on a port that kubectl chooses. */
export async function forwardToPod(here: Machine, cluster: Cluster, pod: string): Promise<ServerConnection> {
  const process = here.open(cluster.kubectlCommand('port-forward', `pod/${pod}`, `:${plexPort}`, '--address', '127.0.0.1'));
  let output = '';
  const announced = new Promise<string>((resolve) => {
    process.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
      const port = /Forwarding from 127\.0\.0\.1:(\d+)/.exec(output)?.[1];
      if (port !== undefined) resolve(port);
    });
  });
  const port = await Promise.race([announced, process.ended.then(() => null), delay(announceTimeoutMs, null, { ref: false })]);
  if (port === null) {
    process.kill();
    const { stderrTail } = await process.ended;
    throw new PlexliftError('failed', `Cannot reach the server in pod "${pod}": port-forward did not begin`, { facts: stderrTail.trim().split('\n').slice(-5), remedy: 'Check that you may create pods/portforward in this namespace, then run the same command again' });
  }
  return {
    baseUrl: `http://127.0.0.1:${port}`,
    async close() {
      process.kill();
      await process.ended;
    },
  };
}

/** Waits until the server answers /identity at all. Returns false when it does not in time. */
export async function answersIdentity(baseUrl: string, timeoutMs: number): Promise<boolean> {
  const endMs = performance.now() + timeoutMs;
  while (performance.now() < endMs) {
    try {
      const response = await fetch(`${baseUrl}/identity`, { signal: AbortSignal.timeout(5000) });
      await response.arrayBuffer();
      if (response.ok) return true;
    } catch {
      // Not listening yet, or the forward broke because the pod was replaced: the caller's time-out decides.
    }
    await delay(1000);
  }
  return false;
}
