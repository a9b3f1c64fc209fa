import { tmpdir } from 'node:os';
import { z } from 'zod';
import { command } from '../../machines/command.ts';
import type { Command, CommandResult, Machine, RunOptions } from '../../machines/machine.ts';
import { blamingConfiguration } from './unusableProgram.ts';

/** Which cluster, and with which programs it is reached. */
export interface ClusterOptions {
  readonly context?: string | undefined;
  readonly kubeconfig?: string | undefined;
  readonly namespace: string;
  readonly kubectl: string;
  readonly helm: string;
  /** Where what Helm reads may be laid down for one call of it (default: the system's directory for such files). */
  readonly scratchDirectory?: string;
}

/** kubectl and helm with the right context and namespace put on every call. */
export interface Cluster {
  readonly namespace: string;
  readonly scratchDirectory: string;
  kubectlCommand(...words: readonly string[]): Command;
  kubectl(words: readonly string[], options?: RunOptions): Promise<CommandResult>;
  helm(words: readonly string[], options?: RunOptions): Promise<CommandResult>;
  /** One object, checked against a shape; null where there is none. */
  get<Shape>(kind: string, name: string, shape: z.ZodType<Shape>): Promise<Shape | null>;
  list<Shape>(kind: string, selector: string, item: z.ZodType<Shape>): Promise<readonly Shape[]>;
}

/** A cluster as reached from a machine that has kubectl and helm. */
export function clusterOn(machine: Machine, options: ClusterOptions): Cluster {
  const kubeconfig = options.kubeconfig === undefined ? [] : ['--kubeconfig', options.kubeconfig];
  const kubectlFlags = [...kubeconfig, ...(options.context === undefined ? [] : ['--context', options.context]), '--namespace', options.namespace];
  const helmFlags = [...kubeconfig, ...(options.context === undefined ? [] : ['--kube-context', options.context]), '--namespace', options.namespace];
  const kubectlCommand = (...words: readonly string[]): Command => command(options.kubectl, ...kubectlFlags, ...words);
  const kubectl: Cluster['kubectl'] = (words, runOptions) => blamingConfiguration('kubectl', options, () => machine.run(kubectlCommand(...words), runOptions));
  return {
    namespace: options.namespace,
    scratchDirectory: options.scratchDirectory ?? tmpdir(),
    kubectlCommand,
    kubectl,
    helm: (words, runOptions) => blamingConfiguration('helm', options, () => machine.run(command(options.helm, ...words, ...helmFlags), runOptions)),
    async get(kind, name, shape) {
      const { stdout } = await kubectl(['get', kind, name, '--ignore-not-found', '--output', 'json']);
      return stdout.trim() === '' ? null : parsed(stdout, shape, `${kind} ${name}`);
    },
    async list(kind, selector, item) {
      // Managed fields tell who made an object what it is, and kubectl leaves them out by itself.
      const { stdout } = await kubectl(['get', kind, '--selector', selector, '--output', 'json', '--show-managed-fields']);
      return parsed(stdout, z.object({ items: z.array(item) }), `${kind} with ${selector}`).items;
    },
  };
}

/** JSON from a program, checked. What does not fit is a bug or a version never met: it is thrown with the place named. */
export function parsed<Shape>(json: string, shape: z.ZodType<Shape>, what: string): Shape {
  const result = shape.safeParse(JSON.parse(json));
  if (result.success) return result.data;
  throw new Error(`Cannot understand ${what}: ${z.prettifyError(result.error)}`);
}
