import type { Finding } from '../../src/runner/check.ts';
import type { Json } from '../../src/runner/json.ts';
import type { RunEvent } from '../../src/runner/events.ts';
import type { Progress, Step, StepTools } from '../../src/runner/step.ts';
import type { ServiceFacts, SourceFacts } from '../../src/sources/source.ts';
import type { TargetFacts } from '../../src/targets/target.ts';

/** A service as an ordinary source has it. */
export const service: ServiceFacts = { unit: 'plexmediaserver.service', user: 'plex', group: 'plex', activeState: 'active', enabledState: 'enabled', fragmentPath: '/lib/systemd/system/plexmediaserver.service', dropInPaths: [] };

const gibibyte = 1024 ** 3;

/** A source with which every check passes; parts may be changed. */
export function sourceFacts(changes: Partial<SourceFacts> = {}): SourceFacts {
  return {
    kind: 'systemd', name: 'alex@old', dataDirectory: '/var/lib/plexmediaserver/Library/Application Support/Plex Media Server', version: '1.43.4.10718-1e3cb7a60', versionFrom: 'dpkg',
    running: true, service, machineIdentifier: 'machine', processedMachineIdentifier: 'processed', friendlyName: 'Plex', hostName: 'old', bulkBytes: 10 * gibibyte, bulkEntries: 100_000,
    databaseBytes: 1024, scratchFreeBytes: gibibyte, clockSkewSeconds: 0, timeZone: 'Europe/Berlin', memoryPeakBytes: gibibyte / 2, tools: {}, ...changes,
  };
}

/** A target with which every check passes; parts may be changed. */
export function targetFacts(changes: Partial<TargetFacts> = {}): TargetFacts {
  return {
    kind: 'kubernetes', name: 'release plex', version: '1.43.4.10718-1e3cb7a60', owner: { uid: 1000, gid: 1000 }, existingLibrary: { present: false, machineIdentifier: null, sizeBytes: null },
    room: { freeBytes: 20 * gibibyte, freeInodes: 1_000_000, fileSystem: 'ext4' }, mounts: ['/media/library', '/media/optimized'], timeZone: 'Europe/Berlin', memoryLimitBytes: null, before: {}, ...changes,
  };
}

/** Step tools with literal results of earlier steps, by name; remembers what was told. */
export interface LiteralTools extends StepTools {
  readonly notes: readonly string[];
  readonly progressed: readonly Progress[];
}

/** Makes them. */
export function stepTools(results: Readonly<Record<string, unknown>> = {}, signal: AbortSignal = new AbortController().signal): LiteralTools {
  const notes: string[] = [];
  const progressed: Progress[] = [];
  return {
    notes,
    progressed,
    signal,
    note: (text) => void notes.push(text),
    progress: (progress) => void progressed.push(progress),
    resultOf<Result extends Json>(step: Step<never, Result>): Result {
      if (!(step.name in results)) throw new Error(`the test has no result of "${step.name}"`);
      return results[step.name] as Result;
    },
  };
}

/** Remembers events. */
export function recorder(): { readonly events: readonly RunEvent[]; readonly record: (event: RunEvent) => void } {
  const events: RunEvent[] = [];
  return { events, record: (event) => void events.push(event) };
}

/** The remedy of a finding; empty where it has none. */
export function remedyOf(finding: Finding | undefined): string {
  return finding?.status === 'fail' || finding?.status === 'warn' ? finding.remedy : '';
}

/** What a piece of work threw; fails when it threw nothing. */
export async function thrownBy(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => {
      throw new Error('Nothing was thrown');
    },
    (error: unknown) => error,
  );
}
