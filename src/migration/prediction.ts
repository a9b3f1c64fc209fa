import { costOf, costsOf, type Load, type Observation } from '../transfer/copyCosts.ts';
import { segmentLimits } from '../transfer/plan.ts';

/** How long something will take: most likely, and between what. */
export type Span = { readonly likelyMs: number; readonly lowMs: number; readonly highMs: number };

/** One part of a forecast, and what it rests on. */
export type Part = Span & { readonly what: string; readonly basis: 'measured' | 'sampled' | 'assumed' };

/** How long copying ahead and the down time will take. JSON, for whoever reads it by program. */
export type Forecast = {
  readonly copyAhead: Span & { readonly load: Load; readonly parts: readonly Part[] };
  readonly downTime: Span & { readonly parts: readonly Part[] };
};

/** What copying is foretold from: this run's own segments, a sample read from the source, or nothing. */
export type Evidence =
  | { readonly kind: 'run'; readonly segments: readonly Observation[]; readonly share: number }
  | { readonly kind: 'sample'; readonly groups: readonly Observation[] }
  | { readonly kind: 'none' };

/** Durations of steps that were done before. */
export type PastDurations = Readonly<Partial<Record<'back-up' | 'examine' | 'take-catalogue' | 'rewrite' | 'prove-rewrite' | 'deliver' | 'prove-landing' | 'publish' | 'stop', number>>>;

/** What a forecast is made from. */
export interface PredictionFacts {
  /** All of the bulk, and what of it is still to be copied. */
  readonly whole: Load;
  readonly remaining: Load;
  readonly databaseBytes: number;
  /** Null where the source was not listed. */
  readonly listingMs: number | null;
  readonly evidence: Evidence;
  /** How quick the way to the target is, as two streams see it; null where it was not measured. */
  readonly wayBytesPerSecond: number | null;
  readonly limitBytesPerSecond: number | null;
  readonly past: PastDurations;
  /** What an earlier night found changed; null where there was none. */
  readonly changedBefore: Load | null;
}

const mebibyte = 1024 ** 2;

/** Where nothing was measured: low, likely and high, from test beds and from reports about slow volumes. */
const assumed = {
  writingEntryMs: [0.15, 0.5, 2],
  wayByteMs: [1000 / (300 * mebibyte), 1000 / (100 * mebibyte), 1000 / (30 * mebibyte)],
  readingEntryMs: [0.02, 0.08, 0.5],
  readingByteMs: [1000 / (300 * mebibyte), 1000 / (80 * mebibyte), 1000 / (20 * mebibyte)],
  listingEntryMs: [0.007, 0.03, 0.1],
  /** Beginning a segment and asking for its receipt, as two are in flight. */
  segmentMs: [100, 300, 1_200],
  /** The first segment and the last, which have nothing beside them: connecting, starting, and each receipt in a call of its own. */
  beginningAndEndMs: [300, 2_500, 10_000],
  changedShare: [0.0005, 0.005, 0.05],
} as const satisfies Readonly<Record<string, Three>>;

/** Of two things that go on at once, the share of the shorter by which they hold each other up: they share disks, lines and processors. */
const inTheWay = 0.3;

type Three = readonly [low: number, likely: number, high: number];

/** Foretells copying ahead and the down time. More to copy never takes less. */
export function predict(facts: PredictionFacts): Forecast {
  const listing = listingOf(facts);
  const copying = atLeast(copyOf(facts.remaining, facts), limitMs(facts.remaining, facts.limitBytesPerSecond));
  const ahead: readonly Part[] = [
    { what: 'list the source', ...listing },
    { what: 'copy and prove', ...copying, basis: facts.evidence.kind === 'run' ? 'measured' : facts.evidence.kind === 'sample' ? 'sampled' : 'assumed' },
  ];
  const down = downTimeParts(facts, listing);
  return { copyAhead: { ...sumOf(ahead), load: facts.remaining, parts: ahead }, downTime: { ...sumOf(down), parts: down } };
}

function downTimeParts(facts: PredictionFacts, listing: Span & Pick<Part, 'basis'>): readonly Part[] {
  const { past, databaseBytes, whole } = facts;
  const changed = facts.changedBefore;
  const rest = changed === null ? join(assumed.changedShare.map((share) => copyOf({ entries: whole.entries * share, bytes: whole.bytes * share }, facts))) : widen(copyOf(changed, facts), 2);
  const database = (perSecond: Three, fixedMs: Three): Span => spanOf(perSecond.toReversed().map((rate, at) => (databaseBytes * 1000) / (rate * mebibyte) + (fixedMs[at] ?? 0)));
  const known = (durations: readonly (number | undefined)[], otherwise: Span): Span & Pick<Part, 'basis'> => {
    const [first] = durations.filter((duration) => duration !== undefined);
    return first === undefined ? { ...otherwise, basis: 'assumed' } : { ...widen({ likelyMs: first, lowMs: first, highMs: first }, 1.5), basis: 'measured' };
  };
  const [rewritten, proven] = [past.rewrite, past['prove-rewrite']];
  const catalogue: readonly Part[] = [
    // Backing up does the same, and tries a restore besides.
    { what: 'take the databases', ...known([past['take-catalogue'], past['back-up']], database([15, 40, 150], [1_000, 3_000, 8_000])) },
    // So does examining with the rewrite and its proof.
    { what: 'rewrite and prove them', ...known([rewritten === undefined || proven === undefined ? undefined : rewritten + proven, past.examine], database([15, 50, 200], [500, 1_500, 5_000])) },
    { what: 'deliver them', ...known([past.deliver], plus(database([15, 50, 150], [1_000, 3_000, 10_000]), facts.wayBytesPerSecond === null ? spanOf([]) : times(databaseBytes, wayByteMs(facts)))) },
  ];
  return [
    { what: 'stop Plex', ...known([past.stop], { lowMs: 2_000, likelyMs: 10_000, highMs: 40_000 }) },
    ...catalogue,
    // Begun with the databases.
    { what: 'rest of the listing', ...leftOf(listing, sumOf(catalogue)), basis: catalogue.every(({ basis }) => basis === 'measured') ? listing.basis : 'assumed' },
    { what: 'copy what changed', ...rest, basis: changed === null ? 'assumed' : 'measured' },
    // All of it is read back before the stop; after it only where whoever stopped it was away for long.
    { what: 'prove what arrived', ...known([past['prove-landing']], plus(database([15, 50, 150], [1_000, 4_000, 15_000]), { lowMs: 0, likelyMs: 0, highMs: times(whole.entries, assumed.listingEntryMs).highMs })) },
    { what: 'publish, and start Plex', ...known([past.publish], { lowMs: 3_000, likelyMs: 20_000, highMs: 90_000 }) },
  ];
}

/** By how much something that went on beside something else makes that longer; at worst each was in the other's way all the time. */
function leftOf(one: Span, beside: Span): Span {
  return { lowMs: Math.max(0, one.lowMs - beside.highMs), likelyMs: Math.max(0, one.likelyMs - beside.likelyMs) + inTheWay * Math.min(one.likelyMs, beside.likelyMs), highMs: one.highMs };
}

function listingOf({ listingMs, whole }: PredictionFacts): Span & Pick<Part, 'basis'> {
  if (listingMs === null) return { ...times(whole.entries, assumed.listingEntryMs), basis: 'assumed' };
  return { ...widen({ likelyMs: listingMs, lowMs: listingMs, highMs: listingMs }, 1.5), basis: 'measured' };
}

/** Copying a load through the whole way, without listing it and without a limit. */
function copyOf(load: Load, facts: Pick<PredictionFacts, 'evidence' | 'wayBytesPerSecond'>): Span {
  const { evidence } = facts;
  const costs = evidence.kind === 'none' ? null : costsOf(evidence.kind === 'run' ? evidence.segments : evidence.groups);
  if (evidence.kind === 'run' && costs !== null) {
    const likelyMs = costOf(load, costs);
    // What is left may be of another kind than what was copied.
    return widen({ likelyMs, lowMs: likelyMs, highMs: likelyMs }, costs.doubt + 0.5 * (1 - evidence.share));
  }
  const reading = costs === null ? plus(times(load.entries, assumed.readingEntryMs), times(load.bytes, assumed.readingByteMs)) : readingSpan(costOf(load, costs), costs.doubt);
  const writing = plus(times(load.entries, assumed.writingEntryMs), times(load.bytes, wayByteMs(facts)));
  const segments = Math.max(load.entries / segmentLimits.entries, load.bytes / segmentLimits.bytes);
  // Both go on at once; how much they are in each other's way depends on who shares which disk, line and processor.
  const both: Span = {
    lowMs: Math.max(reading.lowMs, writing.lowMs),
    likelyMs: Math.max(reading.likelyMs, writing.likelyMs) + inTheWay * Math.min(reading.likelyMs, writing.likelyMs),
    highMs: reading.highMs + writing.highMs,
  };
  return load.entries === 0 ? both : plus(both, plus(times(Math.ceil(segments), assumed.segmentMs), spanOf(assumed.beginningAndEndMs)));
}

/** Milliseconds a byte on the way to the target. */
function wayByteMs({ wayBytesPerSecond }: Pick<PredictionFacts, 'wayBytesPerSecond'>): Three {
  if (wayBytesPerSecond === null) return assumed.wayByteMs;
  const measured = 1000 / wayBytesPerSecond;
  return [measured / 1.3, measured, measured * 1.6];
}

/** A sample of ten seconds does not see the server at its busiest, nor a disk that had the sample in memory. */
function readingSpan(likelyMs: number, doubt: number): Span {
  return { likelyMs, lowMs: likelyMs / doubt, highMs: likelyMs * (doubt + 0.5) };
}

/** The least time that a limit leaves, headers of the tar included. */
function limitMs({ entries, bytes }: Load, bytesPerSecond: number | null): Span {
  const leastMs = bytesPerSecond === null ? 0 : ((bytes + entries * 768) * 1000) / bytesPerSecond;
  return { lowMs: (bytesPerSecond === null ? 0 : (bytes + entries * 512) * 1000) / (bytesPerSecond ?? 1), likelyMs: leastMs, highMs: leastMs * 1.15 };
}

function atLeast(one: Span, other: Span): Span {
  return { lowMs: Math.max(one.lowMs, other.lowMs), likelyMs: Math.max(one.likelyMs, other.likelyMs), highMs: Math.max(one.highMs, other.highMs) };
}

function spanOf([lowMs = 0, likelyMs = 0, highMs = 0]: readonly number[]): Span {
  return { lowMs, likelyMs, highMs };
}

function times(amount: number, three: Three): Span {
  return spanOf(three.map((each) => amount * each));
}

function plus(one: Span, other: Span): Span {
  return { lowMs: one.lowMs + other.lowMs, likelyMs: one.likelyMs + other.likelyMs, highMs: one.highMs + other.highMs };
}

function sumOf(spans: readonly Span[]): Span {
  return spans.reduce(plus, { lowMs: 0, likelyMs: 0, highMs: 0 });
}

function widen({ lowMs, likelyMs, highMs }: Span, factor: number): Span {
  return { lowMs: lowMs / factor, likelyMs, highMs: highMs * factor };
}

/** From the low end of the first, the middle of the second and the high end of the third. */
function join([low, likely, high]: readonly Span[]): Span {
  return { lowMs: low?.lowMs ?? 0, likelyMs: likely?.likelyMs ?? 0, highMs: high?.highMs ?? 0 };
}
