import { readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { PassingEvent, RecordedEvent } from '../../src/runner/events.ts';
import { plan } from '../../src/migration/plan.ts';
import { historyOf } from '../../src/runner/history.ts';
import { readJournal } from '../../src/runner/journal.ts';
import type { RunningProcess } from '../bed/runningProcesses.ts';
import { commandOf, runningProcesses, signalProcesses, sshSocketIn } from '../bed/runningProcesses.ts';
import type { Outcome, Stage } from './stage.ts';

/** A plexlift command that is under way, and what it has said so far. */
export interface Underway {
  readonly events: readonly (RecordedEvent | PassingEvent)[];
  /** Resolves at the first event, past or to come, that `isIt`; throws when the command ends without one. */
  seen(isIt: (event: RecordedEvent | PassingEvent) => boolean): Promise<void>;
  /** Resolves when something outside of plexlift is so; throws when the command ends before. */
  until(isSo: () => boolean): Promise<void>;
  /** Calls back with each event to come as soon as it is read; gives back what ends that. */
  listen(listener: (event: RecordedEvent | PassingEvent) => void): () => void;
  /** Kills plexlift and every program below it with SIGKILL at the same moment, as a power loss would, and waits until it is gone. */
  killAll(): Promise<void>;
  /** Kills the programs that plexlift runs at this moment (ssh, kubectl) with SIGKILL, and leaves plexlift alone. */
  killPrograms(): void;
  /** What plexlift runs at this moment, itself not among it. */
  programs(): readonly RunningProcess[];
  /** Sends a signal to plexlift itself, and to nothing below it. */
  signal(name: NodeJS.Signals): void;
  readonly ended: Promise<Outcome>;
  hasEnded(): boolean;
}

const pollMs = 10;

/** Begins a plexlift command whose events are followed. */
export function beginFollowed(stage: Stage, words: readonly string[]): Underway {
  const child = stage.begin(...words, '--json');
  const events: (RecordedEvent | PassingEvent)[] = [];
  let partial = '';
  let hasEnded = false;
  const listeners = new Set<(event: RecordedEvent | PassingEvent) => void>();
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = `${partial}${chunk.toString('utf8')}`.split('\n');
    partial = lines.pop() ?? '';
    const latest = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as RecordedEvent | PassingEvent);
    events.push(...latest);
    for (const event of latest) for (const listener of listeners) listener(event);
  });
  const ended = child.then(({ exitCode, stdout, stderr }) => {
    hasEnded = true;
    return { exitCode: exitCode ?? -1, stdout, stderr };
  });
  async function until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      if (hasEnded) throw new Error(`"plexlift ${words.join(' ')}" ended too early:\n${(await ended).stderr}`);
      await delay(pollMs);
    }
  }

  return {
    events,
    ended,
    hasEnded: () => hasEnded,
    until,
    seen: (isIt) => until(() => events.some(isIt)),
    listen(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async killAll() {
      const all = [pidOf(child), ...descendantsOf(pidOf(child))];
      // At once, so that nothing goes on while they are looked at.
      signalProcesses(all.map((pid) => ({ pid })), 'SIGSTOP');
      const sockets = all.map((pid) => sshSocketIn(commandOf(pid)) ?? '').filter((socket) => socket.startsWith('/tmp/plexlift-'));
      signalProcesses(all.map((pid) => ({ pid })), 'SIGKILL');
      await ended;
      // What is in /tmp does not outlive a power loss.
      for (const socket of sockets) rmSync(dirname(socket), { recursive: true, force: true });
    },
    killPrograms() {
      signalProcesses(descendantsOf(pidOf(child)).map((pid) => ({ pid })), 'SIGKILL');
    },
    programs: () => descendantsOf(pidOf(child)).map((pid) => ({ pid, command: commandOf(pid) })).filter(({ command }) => command !== ''),
    signal(name) {
      process.kill(pidOf(child), name);
    },
  };
}

/** True for the event that a step began. */
export function begun(step: string): (event: RecordedEvent | PassingEvent) => boolean {
  return (event) => event.type === 'step-begun' && event.step === step;
}

/** How far the journal says that each step of the plan is, in the plan's order. */
export function statuses(stage: Stage): readonly string[] {
  const history = historyOf(readJournal(`${stage.runDirectory}/journal.ndjson`));
  return plan.map(({ name }) => history.stateOf(name).status);
}

/** How far the journal says that a step is. */
export function statusOf(stage: Stage, step: string): string | undefined {
  return statuses(stage)[plan.findIndex(({ name }) => name === step)];
}

/** Throws with what a command said unless it ended with one of these codes. */
export function requireExit(outcome: Outcome, ...allowed: readonly number[]): Outcome {
  if (allowed.includes(outcome.exitCode)) return outcome;
  throw new Error(`plexlift exited with ${outcome.exitCode} instead of ${allowed.join(' or ')}:\n${outcome.stderr}`);
}

function pidOf(child: { readonly pid?: number | undefined }): number {
  if (child.pid === undefined) throw new Error('plexlift was not started');
  return child.pid;
}

/** Every process below one, told by the parents in /proc. What made itself a daemon (ssh's shared connection) is not among them. */
function descendantsOf(pid: number): readonly number[] {
  const children = Map.groupBy(runningProcesses(), parentOf);
  const below = (parent: number): readonly number[] => (children.get(parent) ?? []).flatMap((child) => [child, ...below(child)]);
  return below(pid);
}

function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    // It ended between the listing and the look.
    return 0;
  }
}
