import { z } from 'zod';
import type { Cluster } from './cluster.ts';

const podShape = z.object({
  spec: z.object({ containers: z.array(z.object({ name: z.string(), resources: z.object({ limits: z.object({ memory: z.string().optional() }).optional() }).optional() })) }),
});

/** How much memory a container of a pod may take, as the cluster decided it, with the defaults of its namespace; null where nothing limits it. */
export async function memoryLimitOf(cluster: Cluster, { pod, container }: { readonly pod: string; readonly container: string }): Promise<number | null> {
  const found = (await cluster.get('pod', pod, podShape))?.spec.containers.find(({ name }) => name === container);
  const limit = found?.resources?.limits?.memory;
  return limit === undefined ? null : quantityBytes(limit);
}

const factors: Readonly<Record<string, number>> = { m: 1e-3, '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18, Ki: 1024, Mi: 1024 ** 2, Gi: 1024 ** 3, Ti: 1024 ** 4, Pi: 1024 ** 5, Ei: 1024 ** 6 };

/** A quantity of bytes as Kubernetes writes it, e.g. `512Mi`, `1.5G` or `1e9`. */
export function quantityBytes(quantity: string): number {
  const [, number = '', suffix = ''] = /^([+-]?[\d.]+(?:[eE][+-]?\d+)?)([A-Za-z]*)$/.exec(quantity) ?? [];
  const factor = factors[suffix];
  if (number === '' || factor === undefined) throw new Error(`Cannot understand the quantity "${quantity}"`);
  return Number(number) * factor;
}
