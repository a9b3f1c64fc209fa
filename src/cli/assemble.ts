import { password } from '@clack/prompts';
import { PlexliftError } from '../errors.ts';
import { audited } from '../machines/audited.ts';
import { thisComputer } from '../machines/localMachine.ts';
import type { Machine } from '../machines/machine.ts';
import { openSsh } from '../machines/ssh.ts';
import type { RunEvent } from '../runner/events.ts';
import { absentSource } from '../sources/absentSource.ts';
import { directorySource } from '../sources/directory.ts';
import type { Source } from '../sources/source.ts';
import { systemdPlex } from '../sources/systemdPlex.ts';
import { directoryTarget } from '../targets/directory.ts';
import { kubernetesTarget } from '../targets/kubernetes/target.ts';
import type { Target } from '../targets/target.ts';
import type { Configuration } from './configuration.ts';
import type { Terminal } from './terminal.ts';

/** What assembling needs beside the configuration. */
export interface AssembleOptions {
  readonly terminal: Terminal;
  readonly record: (event: RunEvent) => void;
  /** Shows values that a person is to commit and keeps them in a file; gives back where they can be read; absent where nothing is changed. */
  readonly showValues?: (yaml: string) => string;
  /** Where what is needed for a moment may be laid down (default: the system's directory for such files). */
  readonly scratchDirectory?: string;
  /** True for commands that have work to do without the source: where its machine cannot be reached, they are given one that says so when it is asked. */
  readonly worksWithoutSource?: boolean;
}

/** The two sides and this computer, as the configuration names them. The one place that knows every kind. */
export interface Sides {
  readonly source: Source;
  readonly target: Target;
  readonly here: Machine;
  close(): Promise<void>;
}

/** Picks the kinds and connects them. Every command of every machine goes through `audited`, put on here and nowhere else. */
export async function assemble(configuration: Pick<Configuration, 'source' | 'target' | 'paths'>, options: AssembleOptions): Promise<Sides> {
  const here = withAudit(thisComputer(), options);
  const source = await sourceOrItsAbsence(configuration, here, options);
  const target = openTarget(configuration, here, options);
  return {
    source,
    target,
    here,
    async close() {
      try {
        await target.close();
      } finally {
        await source.close();
      }
    },
  };
}

async function sourceOrItsAbsence(configuration: Pick<Configuration, 'source' | 'paths'>, here: Machine, options: AssembleOptions): Promise<Source> {
  try {
    return await openSource(configuration, here, options);
  } catch (error) {
    if (options.worksWithoutSource !== true || !(error instanceof PlexliftError) || !('ssh' in configuration.source)) throw error;
    return absentSource(configuration.source.ssh, error);
  }
}

async function openSource({ source, paths }: Pick<Configuration, 'source' | 'paths'>, here: Machine, options: AssembleOptions): Promise<Source> {
  const media = paths.map(({ from }) => from);
  if ('directory' in source) return directorySource(here, { ...source, media });
  const machine = await openSsh({
    destination: source.ssh,
    ...(source.sshConfig === undefined ? {} : { configFile: source.sshConfig }),
    interactive: options.terminal.interactive,
    ...(options.terminal.interactive ? { askPassword: () => askSudoPassword(source.ssh, options.terminal) } : {}),
  });
  const watched = withAudit(machine, options);
  return systemdPlex({ ...watched, forward: (port) => machine.forward(port), close: () => machine.close() }, { unit: source.unit, media });
}

function openTarget({ source, target }: Pick<Configuration, 'source' | 'target'>, here: Machine, { terminal, record, showValues, scratchDirectory }: AssembleOptions): Target {
  if ('kubernetes' in target) {
    return kubernetesTarget(here, {
      ...target.kubernetes,
      ...(scratchDirectory === undefined ? {} : { scratchDirectory }),
      tell: (check, finding) => record({ type: 'check-finished', step: 'transfer', ...check, finding, accepted: false }),
      ...(showValues === undefined ? {} : { committer: { show: showValues, note: (text) => record({ type: 'noted', step: 'release', text }), signal: terminal.signal } }),
    });
  }
  return directoryTarget(here, 'directory' in source ? { ...target, sourceDirectory: source.directory } : target);
}

function withAudit(machine: Machine, options: AssembleOptions): Machine {
  return audited(machine, (entry) => options.record({ type: 'command-run', ...entry }));
}

async function askSudoPassword(destination: string, terminal: Terminal): Promise<string> {
  const answer = await password({ message: `Password of ${destination} for sudo (kept in memory only)`, output: terminal.stderr });
  if (typeof answer === 'string') return answer;
  throw new PlexliftError('refused', `Cannot use sudo on ${destination} without its password`, { remedy: 'Run the same command again and give it, or allow that user sudo without a password' });
}
