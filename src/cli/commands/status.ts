import { plan } from '../../migration/plan.ts';
import { historyOf } from '../../runner/history.ts';
import { durationText } from '../../units.ts';
import type { CommandSpec } from '../command.ts';
import { sharedOptions } from '../options.ts';
import { existingRun } from '../session.ts';

/** Says how far a run is, from its journal alone: nothing is asked of either side. */
export const status: CommandSpec = {
  usage: 'status',
  summary: 'how far a run is, from its journal',
  options: [sharedOptions.configuration, sharedOptions.run, sharedOptions.json],
  async run(invocation) {
    const { directory, events } = existingRun(invocation);
    const history = historyOf(events);
    const states = plan.map((step) => ({ step: step.name, title: step.title, state: history.stateOf(step.name) }));
    const { stdout } = invocation.terminal;
    if (invocation.options['json'] === true) {
      stdout.write(`${JSON.stringify({ runDirectory: directory.root, steps: states.map(({ step, state }) => ({ step, status: state.status })) })}\n`);
      return 0;
    }
    const created = events.findLast((event) => event.type === 'run-created');
    if (created?.type === 'run-created') stdout.write(`Run ${created.run}: ${created.fingerprint.source} to ${created.fingerprint.target}\n`);
    for (const [position, { step, title, state }] of states.entries()) {
      const detail = state.status === 'finished' ? durationText(state.durationMs) : state.status === 'failed' ? state.message : '';
      stdout.write(`${String(position + 1).padStart(2)}  ${state.status.padEnd(9)} ${step.padEnd(17)} ${title}${detail === '' ? '' : ` (${detail})`}\n`);
    }
    stdout.write(`Run directory: ${directory.root}\n`);
    return 0;
  },
};
