import { PlexliftError } from '../../errors.ts';
import type { ErrorKind } from '../../errors.ts';

/** What the gate's script says by its exit code. The table at its beginning is the original; a test holds the two together. */
export const gateExitCodes = {
  failed: 1,
  phase: 10,
  consent: 11,
  busy: 12,
  repair: 13,
  mount: 14,
  input: 15,
  absent: 16,
  'in use': 17,
  tool: 18,
  fetch: 19,
  usage: 20,
  protocol: 21,
} as const;

/** Why the gate did not do what was asked. */
export type GateReason = keyof typeof gateExitCodes;

const remedies: Readonly<Record<GateReason, string>> = {
  failed: 'Remove the cause named above, then run the same command again',
  phase: 'Look at "plexlift status": another run may own the volume, or this step was done already',
  consent: 'Agree to set the existing library aside, or choose another target',
  busy: 'Wait a minute, then run the same command again',
  repair: 'Follow the repair named in the message; nothing was changed',
  mount: 'See to the mount and the server behind it, then run the same command again',
  input: 'Run the same command again; if it repeats, the connection loses data',
  absent: 'Run the same command again',
  'in use': 'Stop the Plex server on the target, then run the same command again',
  tool: 'Use an image (or a computer) that has the tool; the official Plex image has it',
  fetch: 'Run the same command again; where it repeats, set "direct: false" in target.kubernetes of the configuration',
  usage: 'This is a disagreement between plexlift and its script on the volume: use the plexlift that made the run',
  protocol: 'Use the plexlift that began this run, to go on as well as to roll back: the first line of journal.ndjson in the run directory names its version',
};

/** The gate refused or failed, with its own sentence as the message. */
export class GateFailed extends PlexliftError {
  readonly reason: GateReason;

  constructor(reason: GateReason, message: string, options: { readonly facts: readonly string[] }) {
    super(kindOf(reason), message, { remedy: remedies[reason], facts: options.facts });
    this.reason = reason;
  }
}

function kindOf(reason: GateReason): ErrorKind {
  return reason === 'consent' || reason === 'mount' || reason === 'protocol' ? 'refused' : 'failed';
}

/** The reason an exit code stands for; null for a code that the script does not use (the carrier failed, or a signal ended it). */
export function reasonOf(exitCode: number | null): GateReason | null {
  const found = Object.entries(gateExitCodes).find(([, code]) => code === exitCode);
  return found === undefined ? null : (found[0] as GateReason);
}
