import { historyOf } from '../runner/history.ts';
import { readJournal } from '../runner/journal.ts';
import { copyFigures, type CopyFigures } from '../transfer/copyFigures.ts';
import type { Tree } from '../transfer/entry.ts';
import { byteLimit } from '../transfer/limit.ts';
import { limitedTree } from '../transfer/limitedTree.ts';
import { sampleReading, type ReadingSample } from '../transfer/readingSample.ts';
import { measureWay, type Drop } from '../transfer/wayProbe.ts';
import { messageOf } from '../errors.ts';
import { bytesText } from '../units.ts';
import { pastFigures } from './pastFigures.ts';
import { predict, type Evidence, type Forecast, type PredictionFacts } from './prediction.ts';
import type { RunDirectory } from './runDirectory.ts';

/** A forecast, and in words what it rests on. */
export type ToldForecast = Forecast & { readonly restsOn: readonly string[] };

/** Why there is no forecast. */
export type NoForecast = { readonly none: string };

/** What is measured: the source's tree, and the way to the target where there is one to speak of. */
export interface MeasuredSides {
  readonly tree: Tree;
  readonly drop: Drop | null;
}

/** What measuring showed. `noWay` says why the way was not measured, where it should have been. */
export interface Measured {
  readonly sample: ReadingSample;
  readonly wayBytesPerSecond: number | null;
  readonly noWay: string | null;
}

/** What there is to make a forecast from. */
export interface ForecastOptions {
  readonly directory: RunDirectory;
  readonly limitBytesPerSecond: number | null;
  readonly signal: AbortSignal;
  /** Connects to the source's tree, where this run has no figures of its own; null where nothing may be connected to. */
  readonly measure: ((use: (sides: MeasuredSides) => Promise<Measured>) => Promise<Measured>) | null;
}

/** Less copying than this says little about the rest. */
const enoughMs = 3_000;
const enoughShare = 0.02;

/**
 * Foretells how long copying ahead and the down time will take: from this run's own figures where it has copied, from a sample that
 * is read now otherwise.
 */
export async function forecastFor(options: ForecastOptions): Promise<ToldForecast | NoForecast> {
  const { directory, limitBytesPerSecond, measure, signal } = options;
  const events = readJournal(directory.journal);
  if (historyOf(events).stateOf('publish').status === 'finished') return { none: 'the library is published, so nothing is left to copy' };
  const past = pastFigures(events);
  const figures = past.run === null ? null : copyFigures(directory.manifestOf(past.run));
  const ofRun = figures === null ? null : evidenceOf(figures);
  const common = { limitBytesPerSecond, wayBytesPerSecond: null, past: past.durations, changedBefore: past.changedBefore };
  if (figures !== null && (ofRun !== null || measure === null)) return told({ ...common, whole: figures.whole, remaining: figures.remaining, databaseBytes: past.databaseBytes ?? 0, listingMs: figures.listingMs, evidence: ofRun ?? { kind: 'none' } });
  if (measure === null) return { none: 'this run has copied nothing yet, and nothing may be measured; without --offline a sample is read from the source' };
  const { sample, wayBytesPerSecond, noWay } = await measure((sides) => measured(sides, { limitBytesPerSecond, signal }));
  return told({ ...common, ...factsOf(sample, figures), wayBytesPerSecond }, noWay);
}

async function measured({ tree, drop }: MeasuredSides, { limitBytesPerSecond, signal }: Pick<ForecastOptions, 'limitBytesPerSecond' | 'signal'>): Promise<Measured> {
  const limit = limitBytesPerSecond === null ? undefined : byteLimit(limitBytesPerSecond);
  const sample = await sampleReading(limit === undefined ? tree : limitedTree(tree, limit), { signal });
  if (drop === null) return { sample, wayBytesPerSecond: null, noWay: null };
  try {
    return { sample, wayBytesPerSecond: await measureWay(drop, { signal, limit }), noWay: null };
  } catch (error) {
    signal.throwIfAborted();
    // A forecast that is less sure is more than none.
    return { sample, wayBytesPerSecond: null, noWay: messageOf(error) };
  }
}

function factsOf(sample: ReadingSample, figures: CopyFigures | null): Pick<PredictionFacts, 'whole' | 'remaining' | 'databaseBytes' | 'listingMs' | 'evidence'> {
  const copied = figures === null ? { entries: 0, bytes: 0 } : { entries: figures.whole.entries - figures.remaining.entries, bytes: figures.whole.bytes - figures.remaining.bytes };
  const { whole, databaseBytes, listingMs, groups } = sample;
  return {
    whole,
    remaining: { entries: Math.max(0, whole.entries - copied.entries), bytes: Math.max(0, whole.bytes - copied.bytes) },
    databaseBytes,
    listingMs,
    evidence: { kind: 'sample', groups },
  };
}

/** What was copied of this run, where it was enough to go by. */
function evidenceOf({ whole, remaining, segments }: CopyFigures): Evidence | null {
  const spentMs = segments.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const share = whole.entries === 0 ? 0 : 1 - remaining.entries / whole.entries;
  return (spentMs >= enoughMs && share >= enoughShare) || (segments.length > 0 && share === 1) ? { kind: 'run', segments, share } : null;
}

function told(facts: PredictionFacts, noWay: string | null = null): ToldForecast {
  return { ...predict(facts), restsOn: [copyingRestsOn(facts), ...(noWay === null ? [] : [`The way to the target could not be measured: ${noWay}`]), downTimeRestsOn(facts), ...limitTold(facts)] };
}

function copyingRestsOn({ evidence, wayBytesPerSecond }: PredictionFacts): string {
  switch (evidence.kind) {
    case 'run':
      return `Copying: measured by this run while copying ${evidence.share >= 0.9995 ? 'all' : `${(evidence.share * 100).toPrecision(2)} %`} of it`;
    case 'sample': {
      const bytes = evidence.groups.reduce((sum, group) => sum + group.bytes, 0);
      const entries = evidence.groups.reduce((sum, group) => sum + group.entries, 0);
      return `Copying: from a sample of ${entries.toLocaleString('en-GB')} entries (${bytesText(bytes)}) read from the source as a copy reads it; ${wayBytesPerSecond === null ? 'the way to the volume is assumed, and' : `the way to the pod was measured, ${bytesText(wayBytesPerSecond)} a second; assumed is`} half a millisecond for each file created on the volume`;
    }
    case 'none':
      return 'Copying: assumed; too little was copied yet, and nothing was measured';
    default:
      return evidence satisfies never;
  }
}

function downTimeRestsOn({ changedBefore, past }: PredictionFacts): string {
  const changed = changedBefore === null ? 'that half a percent changes between the last copy ahead and the stop is assumed' : `as much is to be copied as the most that changed between two copies ahead, ${changedBefore.entries.toLocaleString('en-GB')} entries`;
  return `Down time: ${changed}; the databases ${past['back-up'] === undefined ? 'are foretold by their size' : 'take as long as backing them up and examining them took'}`;
}

function limitTold({ limitBytesPerSecond }: PredictionFacts): readonly string[] {
  return limitBytesPerSecond === null ? [] : [`At most ${bytesText(limitBytesPerSecond)} a second while the source serves`];
}
