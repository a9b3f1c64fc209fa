import type { Check } from '../../runner/check.ts';
import { bytesText } from '../../units.ts';
import type { PreflightContext } from './preflight.ts';

/**
 * Least memory for a server. Idle with a library it takes 500 to 800 MiB, and more while it scans; below this the kernel ends it at its
 * first scan, with its database open.
 */
const leastMemoryBytes = 1024 ** 3;
/** What the vendor calls more than sufficient as a rule. Transcoding in software, HEVC above all, has been seen to need more. */
const usualMemoryBytes = 2 * 1024 ** 3;

/** Claims about the place where the server will run, as it is beside that of the source. */
export const serverPlaceChecks: readonly Check<Pick<PreflightContext, 'source' | 'target'>>[] = [
  {
    name: 'same-time-zone',
    claim: 'The clock of the target runs in the time zone of the source',
    async run({ source, target }) {
      if (target.version === null) return { status: 'skip', reason: `${target.name} runs no server` };
      if (source.timeZone === null) return { status: 'warn', detail: 'the time zone of the source is not known', remedy: 'Set extraEnv.TZ in the values of the release to the zone you live in, e.g. Europe/Berlin: scheduled tasks go by it' };
      const detail = `the source is in ${source.timeZone}, the target ${target.timeZone === null ? 'in none that its image knows' : `in ${target.timeZone}`}`;
      if (target.timeZone !== null && isSameClock(source.timeZone, target.timeZone)) return { status: 'pass', detail };
      return { status: 'warn', detail, remedy: `Set extraEnv.TZ to "${source.timeZone}" in the values of the release ("helm upgrade … --reuse-values --set extraEnv.TZ=${source.timeZone}"; where Argo CD or Flux owns it, commit that instead), or scheduled tasks, maintenance among them, run at other hours than before` };
    },
  },
  {
    name: 'memory-limit',
    claim: 'The server may take as much memory as it needs',
    async run({ source, target }) {
      if (target.version === null) return { status: 'skip', reason: `${target.name} runs no server` };
      const limitBytes = target.memoryLimitBytes;
      const took = source.memoryPeakBytes === null ? 'the source is not running, so what it takes is not known' : `the server on the source has taken up to ${bytesText(source.memoryPeakBytes)}`;
      if (limitBytes === null) return { status: 'pass', detail: `nothing limits it; ${took}` };
      const neededBytes = Math.max(leastMemoryBytes, source.memoryPeakBytes ?? 0);
      const detail = `at most ${bytesText(limitBytes)} are allowed; ${took}`;
      const wantedMib = Math.ceil(Math.max(usualMemoryBytes, neededBytes * 1.5) / 1024 ** 2);
      const raise = `Raise pms.resources.limits.memory in the values of the release to ${wantedMib}Mi or more, or take the limit away ("helm upgrade … --reuse-values --set pms.resources.limits.memory=${wantedMib}Mi"; where Argo CD or Flux owns it, commit that instead); where it comes from a LimitRange of the namespace, such a value overrides it`;
      if (limitBytes < neededBytes) return { status: 'fail', detail, remedy: `${raise}. The kernel ends a server that takes more, in the middle of what it writes` };
      if (limitBytes < usualMemoryBytes) return { status: 'warn', detail, remedy: `${raise}. Plex calls 2 GB more than sufficient as a rule, and transcoding needs more while it lasts` };
      return { status: 'pass', detail };
    },
  },
];

/** Whether two zones show the same time today and on the same day of each of the next eleven months. */
function isSameClock(one: string, other: string): boolean {
  if (one === other) return true;
  const now = new Date();
  const moments = Array.from({ length: 12 }, (_, months) => new Date(now.getFullYear(), now.getMonth() + months, 15));
  return moments.every((moment) => shownAt(moment, one) === shownAt(moment, other));
}

function shownAt(moment: Date, timeZone: string): string {
  try {
    return moment.toLocaleString('en-GB', { timeZone });
  } catch {
    // A zone that this computer does not know is like no other.
    return timeZone;
  }
}
