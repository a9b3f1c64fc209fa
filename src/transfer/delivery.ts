import { setTimeout as pause } from 'node:timers/promises';
import { messageOf, PlexliftError } from '../errors.ts';
import type { Target } from '../targets/target.ts';
import { stream, type Patience, type Streamed } from './attempt.ts';
import { textOf, type BytePath, type Entry, type Owner, type Tree } from './entry.ts';
import { namesOf, type Passed } from './hashingStream.ts';
import type { Manifest } from './manifest.ts';
import type { TreeName } from './manifestListings.ts';
import type { SegmentTry } from './manifestSegments.ts';
import type { Segment } from './segment.ts';
import { contentBytes } from './plan.ts';
import { namedAsChanged } from './tarDiagnostics.ts';
import { VolumeFull } from './volumeFull.ts';

/** The part of a target that a delivery uses; `digestsOf` only to say which files are at fault. */
export type Receiver = Pick<Target, 'receive' | 'receiptOf'> & Partial<Pick<Target, 'digestsOf'>>;

/** What a delivery needs. */
export interface DeliveryOptions {
  readonly tree: Pick<Tree, 'name' | 'read'>;
  readonly treeName: TreeName;
  readonly target: Receiver;
  readonly manifest: Pick<Manifest, 'segments'>;
  readonly owner: Owner;
  /** `while running`: files that change or vanish meanwhile are left for the next time. `at rest`: they are an error. */
  readonly mode: 'while running' | 'at rest';
  readonly patience: Patience;
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
}

/** What was delivered of one run of entries. */
export interface Delivery {
  readonly landed: readonly Entry[];
  readonly notSent: readonly { readonly path: BytePath; readonly reason: string }[];
  /** Streams that had to be sent again because something failed. */
  readonly retries: number;
}

/** Streams of one run that may prove unlike their lists, before what is left of it waits for the next time. */
const listsTried = 5;

/** Times a receipt that did not come is asked for: kubectl loses an answer now and then. */
const receiptQuestions = 3;

/** Between two questions: the far side may still be at work on what it was sent. */
const receiptDelayMs = 1_000;

/** What reading back is given at least: a volume slower than this does not serve. */
const slowestBytesPerMs = 5_000;

type Outcome =
  | { readonly kind: 'landed'; readonly passed: Passed; readonly suspects: ReadonlySet<number> }
  | { readonly kind: 'unlike its list'; readonly facts: readonly string[]; readonly passed: Passed }
  | { readonly kind: 'failed'; readonly reason: string; readonly facts: readonly string[]; readonly passed: Passed | null };

/**
 * Delivers one run of entries until a receipt proves it.
 *
 * The receipt is the digest of the tar that the far side makes from the list of the segment, so it can only equal that of a tar that
 * carried exactly that list. A stream that turns out to be unlike its list (a file vanished or changed since it was listed) therefore
 * proves nothing, whatever arrived: what is still as listed is sent again, whole, as a new segment with another name and a list without
 * the others. Each try of the same list has the same name. A file that changes while it is read arrives half old, half new, under a receipt that is true of those bytes: it is not
 * counted as sent when tar names it, and in any case its inode change time is not the listed one any more, so that the next listing
 * sends it again. (The read follows the listing by more than the tick of the kernel's clock, so no change hides within one.)
 */
export async function deliver(entries: readonly Entry[], options: DeliveryOptions): Promise<Delivery> {
  const notSent: { readonly path: BytePath; readonly reason: string }[] = [];
  let list = entries;
  let retries = 0;
  for (let lists = 1; list.length > 0; ) {
    const segmentTry = options.manifest.segments.begin({ tree: options.treeName, entries: list, owner: options.owner });
    const { segment } = segmentTry;
    const outcome = await send(segmentTry, options);
    options.signal.throwIfAborted();
    switch (outcome.kind) {
      case 'landed':
        for (const position of outcome.suspects) addTo(notSent, list[position], 'changed while it was read');
        return { landed: list.filter((_, position) => !outcome.suspects.has(position)), notSent, retries };
      case 'unlike its list': {
        const { deviations } = outcome.passed;
        if (options.mode === 'at rest') throw changedAtRest(segment, outcome, options);
        const gone = new Set(deviations.map(({ position }) => position));
        for (const { position, what } of deviations) addTo(notSent, list[position], what);
        list = list.filter((_, position) => !gone.has(position));
        lists += 1;
        if (lists > listsTried) {
          for (const entry of list) addTo(notSent, entry, 'files around it kept changing');
          list = [];
        }
        break;
      }
      case 'failed': {
        const delayMs = options.patience.retryDelaysMs[retries];
        if (delayMs === undefined) throw await undeliverable(segment, outcome, options);
        retries += 1;
        await pause(delayMs, undefined, { signal: options.signal });
        break;
      }
    }
  }
  return { landed: [], notSent, retries };
}

function addTo(notSent: { readonly path: BytePath; readonly reason: string }[], entry: Entry | undefined, reason: string): void {
  if (entry !== undefined) notSent.push({ path: entry.path, reason });
}

/** Sends a segment once, asks for its receipt where the target did not tell it at once, and records how it came out. */
async function send(segmentTry: SegmentTry, options: DeliveryOptions): Promise<Outcome> {
  const { segment } = segmentTry;
  const streamed = await stream(segment, { ...options, patience: { ...options.patience, settleMs: timeToReadBack(segment, options) } });
  const { passed } = streamed;
  const suspects = passed === null ? new Set<number>() : suspectsOf(streamed, segment);
  if (streamed.failure instanceof VolumeFull) {
    record(segmentTry, options, { outcome: 'failed', passed, received: null, boot: null, suspects });
    throw streamed.failure;
  }
  if (passed !== null && passed.deviations.length > 0 && sourceEnded(streamed, [0, 1, 2])) {
    record(segmentTry, options, { outcome: 'unlike its list', passed, received: null, boot: null, suspects });
    return { kind: 'unlike its list', facts: factsOf(streamed), passed };
  }
  const fault = faultOf(streamed, options.mode);
  if (passed === null || fault !== null) {
    record(segmentTry, options, { outcome: 'failed', passed, received: null, boot: null, suspects });
    return { kind: 'failed', reason: fault ?? 'the tar did not come to its end', facts: factsOf(streamed), passed };
  }
  const answer = streamed.receipt?.segment === segment.name ? { ...streamed.receipt, why: '' } : await askForReceipt(segment, options);
  const landed = answer.sha256 === passed.sha256;
  record(segmentTry, options, { outcome: landed ? 'landed' : 'failed', passed, received: answer.sha256, boot: answer.boot, suspects });
  if (landed) return { kind: 'landed', passed, suspects };
  const reason = answer.sha256 === null ? `no receipt came: ${answer.why}` : 'what arrived is not what was sent';
  return { kind: 'failed', reason: streamed.failure === null ? reason : `${messageOf(streamed.failure)}; ${reason}`, facts: factsOf(streamed), passed };
}

function record(
  segmentTry: SegmentTry,
  options: DeliveryOptions,
  how: { readonly outcome: 'landed' | 'unlike its list' | 'failed'; readonly passed: Passed | null; readonly received: string | null; readonly boot: string | null; readonly suspects: ReadonlySet<number> },
): void {
  const { passed, suspects } = how;
  options.manifest.segments.end(segmentTry, {
    outcome: how.outcome,
    sha256Sent: passed?.sha256 ?? null,
    sha256Received: how.received,
    boot: how.boot,
    hashes: passed?.hashes ?? [],
    unproven: suspects,
  });
}

/** Why a stream that was like its list cannot be trusted; null where it can. A target that failed after the last byte is asked for its receipt all the same. */
function faultOf(streamed: Streamed, mode: DeliveryOptions['mode']): string | null {
  if (streamed.passed === null) return streamed.failure === null ? null : messageOf(streamed.failure);
  if (streamed.reading === null) return 'the reading program did not end';
  // 1 is GNU tar's "some files differ": changed while being read. 2 covers read errors, for which it sends zeros.
  if (sourceEnded(streamed, mode === 'at rest' ? [0] : [0, 1])) return null;
  const { exitCode, signal } = streamed.reading;
  return exitCode === 1 ? 'files changed while they were read' : `reading ended with ${exitCode === null ? `signal ${signal ?? 'unknown'}` : `exit code ${exitCode}`}`;
}

function sourceEnded({ reading }: Streamed, exitCodes: readonly number[]): boolean {
  return reading?.exitCode !== undefined && reading.exitCode !== null && exitCodes.includes(reading.exitCode);
}

function suspectsOf({ reading }: Streamed, segment: Segment): ReadonlySet<number> {
  return reading?.exitCode === 1 ? namedAsChanged(reading.stderrTail, segment.entries) : new Set();
}

function factsOf({ reading }: Streamed): readonly string[] {
  return (reading?.stderrTail ?? '').split('\n').filter((line) => line !== '').slice(-10);
}

async function askForReceipt(segment: Segment, options: DeliveryOptions): Promise<{ readonly sha256: string | null; readonly boot: string | null; readonly why: string }> {
  let why = 'the target has none';
  for (let question = 1; question <= receiptQuestions; question += 1) {
    if (question > 1) await pause(Math.min(receiptDelayMs, options.patience.graceMs), undefined, { signal: options.signal });
    try {
      const receipt = await within(timeToReadBack(segment, options), options.target.receiptOf(segment));
      if (receipt !== null && receipt.segment === segment.name) return { sha256: receipt.sha256, boot: receipt.boot, why: '' };
      if (receipt !== null) why = `the target answered with that of "${receipt.segment}"`;
    } catch (error) {
      why = messageOf(error);
    }
  }
  return { sha256: null, boot: null, why };
}

function timeToReadBack(segment: Segment, options: DeliveryOptions): number {
  return options.patience.settleMs + segment.entries.reduce((sum, entry) => sum + contentBytes(entry), 0) / slowestBytesPerMs;
}

async function within<Answer>(limitMs: number, answer: Promise<Answer>): Promise<Answer> {
  const over = new AbortController();
  try {
    return await Promise.race([
      answer,
      pause(limitMs, undefined, { signal: over.signal }).then((): never => {
        throw new Error(`no answer within ${Math.round(limitMs / 1000)} s`);
      }),
    ]);
  } finally {
    over.abort();
  }
}

function changedAtRest(segment: Segment, outcome: Extract<Outcome, { kind: 'unlike its list' }>, options: DeliveryOptions): PlexliftError {
  const names = namesOf(outcome.passed.deviations, segment.entries);
  return new PlexliftError('failed', `Cannot send segment "${segment.name}" from ${options.tree.name}: ${names.length} entries are not as they were listed`, {
    facts: [...names.slice(0, 20).map(({ path, what }) => `${textOf(path)}: ${what}`), ...outcome.facts],
    remedy: 'Make sure that nothing writes to the source any more, then run the same command again: it lists anew',
  });
}

async function undeliverable(segment: Segment, outcome: Extract<Outcome, { kind: 'failed' }>, options: DeliveryOptions): Promise<PlexliftError> {
  const culprits = outcome.passed === null ? [] : await culpritsOf(segment, outcome.passed, options);
  const tries = options.patience.retryDelaysMs.length + 1;
  return new PlexliftError('failed', `Cannot deliver segment "${segment.name}" (${segment.entries.length} entries), tried ${tries} times: ${outcome.reason}`, {
    facts: [...culprits, ...outcome.facts],
    remedy: 'Look at the connection and at the target\'s volume, then run the same command again: what has landed is not sent again',
  });
}

/** Which files of a segment are on the target other than they were sent, one a line; says so where that could not be told. */
async function culpritsOf(segment: Segment, passed: Passed, options: DeliveryOptions): Promise<readonly string[]> {
  if (options.target.digestsOf === undefined) return [];
  const sent = segment.entries.flatMap(({ path }, position) => {
    const hash = passed.hashes[position];
    return typeof hash === 'string' ? [{ path, hash }] : [];
  });
  try {
    const there = await within(timeToReadBack(segment, options), options.target.digestsOf(sent.map(({ path }) => path)));
    const lines = sent.flatMap(({ path, hash }) => {
      const found = there.get(path);
      if (found === hash) return [];
      return [`${textOf(path)}: ${found === undefined ? 'did not arrive' : 'arrived with other content'}`];
    });
    if (lines.length === 0) return ['The content of every file arrived: an owner, a time, a link or a directory differs, or the two tar programs do'];
    return lines.length <= 20 ? lines : [...lines.slice(0, 20), `and ${lines.length - 20} more`];
  } catch (error) {
    return [`Which files are at fault could not be told: ${messageOf(error)}`];
  }
}
