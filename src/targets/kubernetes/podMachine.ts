import { CommandFailed } from '../../machines/command.ts';
import type { Command, Machine } from '../../machines/machine.ts';
import type { Cluster } from './cluster.ts';

/** How kubectl, the kubelet and containerd say that there was no container to run a command in, so that nothing of it was run. */
const goneContainer = /container not found|pods "[^"]*" not found|pod does not exist|cannot exec in a (?:stopped|deleted)|no running task found|is not created or running/;

/** True for a command that was never begun, because the container had ended when it came: Kubernetes tells so only some moments later. */
export function isContainerGone(thrown: unknown): boolean {
  return thrown instanceof CommandFailed && goneContainer.test(thrown.failure.stderr);
}

/** A container, and what kubectl's own environment has to hold for commands in it. */
export interface PodPlace {
  readonly pod: string;
  readonly container: string;
  readonly kubectlEnvironment?: () => Readonly<Record<string, string>>;
}

/** Commands in a container of a pod, through `kubectl exec`. The exit code is kubectl's word only: what matters is asked again. */
export function podMachine(here: Machine, cluster: Cluster, place: PodPlace): Machine {
  const execute = (inner: Command): Command => {
    const environment = Object.entries(inner.environment ?? {}).map(([name, value]) => `${name}=${value}`);
    const words = environment.length === 0 ? [inner.program, ...inner.arguments] : ['env', ...environment, inner.program, ...inner.arguments];
    const execution = cluster.kubectlCommand('exec', '--stdin', '--quiet', place.pod, '--container', place.container, '--', ...words);
    return { ...execution, environment: place.kubectlEnvironment?.() ?? {} };
  };
  return {
    name: `pod ${cluster.namespace}/${place.pod}`,
    run: (inner, options) => here.run(execute(inner), options),
    open: (inner, options) => here.open(execute(inner), options),
  };
}
