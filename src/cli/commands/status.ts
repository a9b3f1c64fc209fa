import { Option } from 'commander';
import { exitCodes, messageOf } from '../../errors.ts';
import { plan } from '../../migration/plan.ts';
import type { RecordedEvent } from '../../runner/events.ts';
import { historyOf } from '../../runner/history.ts';
import { durationText } from '../../units.ts';
import { assemble } from '../assemble.ts';
import type { CommandSpec, Invocation } from '../command.ts';
import { readConfiguration } from '../configuration.ts';
import { configurationFile, sharedOptions } from '../options.ts';
import { existingRun } from '../session.ts';
import type { Truths } from '../truths.ts';
import { truthsOf } from '../truths.ts';

/** Says how far a run is, from its journal, and what is true on both sides now. Changes nothing, and waits for no other command. */
export const status: CommandSpec = {
  usage: 'status',
  summary: 'how far a run is, and what is true on both sides now',
  options: [sharedOptions.configuration, sharedOptions.run, new Option('--offline', 'connect to nothing: tell only what the journal says'), sharedOptions.json],
  async run(invocation) {
    const { directory, events } = existingRun(invocation);
    const history = historyOf(events);
    const states = plan.map((step) => ({ step: step.name, title: step.title, state: history.stateOf(step.name) }));
    const { stdout } = invocation.terminal;
    if (invocation.options['json'] === true) {
      const now = await truthsNow(events, invocation);
      stdout.write(`${JSON.stringify({ runDirectory: directory.root, steps: states.map(({ step, state }) => ({ step, status: state.status })), now: now.lines.filter((line) => line !== ''), twoServers: now.areTwoServers })}\n`);
      return exitCodeFor(now);
    }
    const created = events.findLast((event) => event.type === 'run-created');
    if (created?.type === 'run-created') stdout.write(`Run ${created.run}: ${created.fingerprint.source} to ${created.fingerprint.target}\n`);
    for (const [position, { step, title, state }] of states.entries()) {
      const detail = state.status === 'finished' ? durationText(state.durationMs) : state.status === 'failed' ? state.message : '';
      stdout.write(`${String(position + 1).padStart(2)}  ${state.status.padEnd(9)} ${step.padEnd(17)} ${title}${detail === '' ? '' : ` (${detail})`}\n`);
    }
    stdout.write(`Run directory: ${directory.root}\n`);
    const now = await truthsNow(events, invocation);
    stdout.write(['', 'What is true now', ...now.lines.map((line) => (line === '' ? '' : `  ${line}`)), ''].join('\n'));
    return exitCodeFor(now);
  },
};

function exitCodeFor({ areTwoServers }: Truths): number {
  return areTwoServers ? exitCodes.difference : exitCodes.done;
}

/** Not being able to ask is told, and does not take away what the journal says. */
async function truthsNow(events: readonly RecordedEvent[], { options, terminal }: Invocation): Promise<Truths> {
  const unasked = (reason: string): Truths => ({ lines: [`Neither side was asked: ${reason}`], areTwoServers: false, isPastReturn: false });
  if (options['offline'] === true) return unasked('--offline was given');
  const created = events.findLast((event) => event.type === 'run-created');
  if (created?.type !== 'run-created') return unasked('the journal names no run');
  try {
    const sides = await assemble(readConfiguration(configurationFile(options, terminal)), { terminal, record: () => undefined, worksWithoutSource: true });
    try {
      return await truthsOf({ ...sides, run: created.run }, { events, error: null });
    } finally {
      await sides.close();
    }
  } catch (error) {
    return unasked(messageOf(error));
  }
}
