import type { ErrorKind } from '../errors.ts';
import type { Finding } from './check.ts';
import type { Json, JsonObject } from './json.ts';
import type { Progress } from './step.ts';

/** What happened, as one line of the journal. Terminal, JSON output and report are readers of these and of nothing else. */
export type RunEvent =
  | { readonly type: 'run-created'; readonly run: string; readonly fingerprint: Fingerprint; readonly plexlift: string }
  | { readonly type: 'command-begun'; readonly command: string; readonly plexlift: string; readonly paths: readonly PathPair[]; readonly fileGuids?: 'leave' | 'rewrite' }
  | { readonly type: 'command-ended'; readonly command: string; readonly outcome: 'done' | 'bug' | ErrorKind; readonly message: string }
  | { readonly type: 'step-begun'; readonly step: string }
  | { readonly type: 'step-finished'; readonly step: string; readonly result: Json; readonly durationMs: number }
  | { readonly type: 'step-failed'; readonly step: string; readonly kind: ErrorKind | 'bug'; readonly message: string; readonly facts: readonly string[]; readonly remedy: string }
  /** `expected`: nothing is wrong; the step is one that is done each time, and nothing after it is lost. */
  | { readonly type: 'results-discarded'; readonly steps: readonly string[]; readonly reason: string; readonly expected?: true }
  | { readonly type: 'undo-begun'; readonly step: string }
  | { readonly type: 'undo-finished'; readonly step: string }
  | { readonly type: 'undo-failed'; readonly step: string; readonly message: string; readonly remedy: string }
  | { readonly type: 'nothing-to-undo'; readonly step: string; readonly reason: string }
  | { readonly type: 'check-finished'; readonly step: string; readonly name: string; readonly claim: string; readonly finding: Finding; readonly accepted: boolean }
  | { readonly type: 'question-answered'; readonly id: string; readonly title: string; readonly answer: string; readonly by: 'person' | 'flag' }
  | { readonly type: 'command-run'; readonly machine: string; readonly command: string; readonly exitCode: number | null; readonly durationMs: number; readonly asRoot: boolean }
  | { readonly type: 'noted'; readonly step: string; readonly text: string }
  /** What lies on the target's volume beside the library, asked at this moment. */
  | { readonly type: 'leftovers-told'; readonly leftovers: readonly { readonly what: string; readonly path: string; readonly sizeBytes: number | null; readonly remove: string }[] }
  | { readonly type: 'finished'; readonly facts: JsonObject };

/** An event with the moment it was recorded, ISO 8601 in UTC. */
export type RecordedEvent = RunEvent & { readonly at: string };

/** What observers see beside recorded events: passing progress, which is not kept. */
export type PassingEvent = { readonly type: 'progress'; readonly step: string; readonly progress: Progress };

/** Whoever reads along. Must not throw. */
export type Observer = (event: RecordedEvent | PassingEvent) => void;

/** Which migration a run directory belongs to. Never holds a credential. */
export interface Fingerprint {
  readonly source: string;
  readonly target: string;
}

/** One prefix and what it becomes. */
export interface PathPair {
  readonly from: string;
  readonly to: string;
}
