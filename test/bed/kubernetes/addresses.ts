/** Names and addresses of one bed; two beds on a machine differ in their number. */
export interface BedAddresses {
  /** Name of the node, and of the context in the kubeconfig. */
  readonly nodeName: string;
  /** Name of the network namespace that is the node, also a file under /run/netns. */
  readonly namespace: string;
  readonly hostInterface: string;
  readonly hostAddress: string;
  readonly nodeAddress: string;
  readonly podRange: string;
  readonly serviceRange: string;
  /** First address of the service range: the API server's own Service. */
  readonly serviceAddress: string;
}

/** How many beds may exist at once: three ranges of 10.213.0.0/16 are shared out among them. */
export const bedCount = 64;

/** The names and addresses of bed `number` (0 to 63), all within 10.213.0.0/16; `nodeName` is free to choose. */
export function addressesOf(number: number, nodeName = `bed-${number}`): BedAddresses {
  const namespace = `plexlift-kubernetes-${number}`;
  return {
    nodeName,
    namespace,
    hostInterface: `plk8s${number}`,
    hostAddress: `10.213.${number}.1`,
    nodeAddress: `10.213.${number}.2`,
    podRange: `10.213.${bedCount + number}.0/24`,
    serviceRange: `10.213.${2 * bedCount + number}.0/24`,
    serviceAddress: `10.213.${2 * bedCount + number}.1`,
  };
}
