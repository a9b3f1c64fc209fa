import { PlexliftError } from '../errors.ts';
import type { Load, Observation } from './copyCosts.ts';
import type { Entry, Tree } from './entry.ts';
import { placeOf } from './leftBehind.ts';
import { contentBytes, inPathOrder } from './plan.ts';

/** What listing a data directory, and reading a part of it, showed. */
export interface ReadingSample {
  /** The bulk. */
  readonly whole: Load;
  readonly databaseBytes: number;
  readonly listingMs: number;
  /** What was read, in groups; two were read at a time. */
  readonly groups: readonly Observation[];
}

/** How much is read, and where; all for tests. */
export interface SampleOptions {
  readonly signal: AbortSignal;
  readonly random?: () => number;
  readonly budgetMs?: number;
  readonly budgetBytes?: number;
}

/** Entries that follow one another in the listing, as they do in a segment. */
const stretchEntries = 256;
const stretchesKept = 96;
const stretchesInGroup = 8;

/** As many as a copy has in flight. */
const readers = 2;

/**
 * Lists the tree, and reads stretches from all over its bulk as tar, as a copy would, for about ten seconds at most. Only looks; nothing of
 * what is read is kept.
 */
export async function sampleReading(tree: Tree, options: SampleOptions): Promise<ReadingSample> {
  const { stretches, ...listed } = await listWithSample(tree, options);
  return { ...listed, groups: await readGroups(tree, stretches, options) };
}

async function listWithSample(tree: Tree, { signal, random = Math.random }: SampleOptions) {
  const begunAtMs = performance.now();
  const stretches: (readonly Entry[])[] = [];
  let stretch: Entry[] = [];
  let seen = 0;
  const whole = { entries: 0, bytes: 0 };
  let databaseBytes = 0;

  // Each stretch has the same chance to be kept, without knowing how many there will be.
  function keepPerhaps(): void {
    seen += 1;
    const place = stretches.length < stretchesKept ? stretches.length : Math.floor(random() * seen);
    if (place < stretchesKept) stretches[place] = stretch;
    stretch = [];
  }

  for await (const entry of tree.list({ signal })) {
    const { kind } = placeOf(entry.path);
    if (kind === 'catalogue') databaseBytes += contentBytes(entry);
    if (kind !== 'bulk' || entry.type === 'other') continue;
    whole.entries += 1;
    whole.bytes += contentBytes(entry);
    stretch.push(entry);
    if (stretch.length >= stretchEntries) keepPerhaps();
  }
  if (stretch.length > 0) keepPerhaps();
  return { whole, databaseBytes, listingMs: Math.round(performance.now() - begunAtMs), stretches };
}

async function readGroups(tree: Tree, stretches: readonly (readonly Entry[])[], options: SampleOptions): Promise<readonly Observation[]> {
  const { signal, random = Math.random, budgetMs = 10_000, budgetBytes = 256 * 1024 * 1024 } = options;
  const shuffled = stretches.map((stretch) => ({ stretch, at: random() })).toSorted((one, other) => one.at - other.at);
  const groups = Array.from({ length: Math.ceil(shuffled.length / stretchesInGroup) }, (_, group) =>
    shuffled.slice(group * stretchesInGroup, (group + 1) * stretchesInGroup).flatMap(({ stretch }) => stretch).toSorted(inPathOrder),
  );
  const untilMs = performance.now() + budgetMs;
  const atOnce = Math.min(readers, groups.length);
  const observed: Observation[] = [];
  let bytes = 0;

  async function reader(): Promise<void> {
    for (let group = groups.shift(); group !== undefined && bytes < budgetBytes && performance.now() < untilMs; group = groups.shift()) {
      const one = await readOnce(tree, group, { signal, untilMs });
      bytes += one.bytes;
      observed.push({ ...one, durationMs: one.durationMs / atOnce });
    }
  }

  await Promise.all(Array.from({ length: atOnce }, reader));
  return observed;
}

/** Reads one tar, and lets go of it when its time is over: what had come by then is what counts. */
async function readOnce(tree: Tree, entries: readonly Entry[], { signal, untilMs }: { readonly signal: AbortSignal; readonly untilMs: number }): Promise<Observation> {
  signal.throwIfAborted();
  const reading = tree.read(entries, { uid: 0, gid: 0 });
  const ending = AbortSignal.any([signal, AbortSignal.timeout(Math.max(1, Math.ceil(untilMs - performance.now())))]);
  ending.addEventListener('abort', () => reading.kill(), { once: true });
  let firstAtMs: number | null = null;
  let lastAtMs = 0;
  let tarBytes = 0;
  for await (const chunk of reading.stdout as AsyncIterable<Buffer>) {
    lastAtMs = performance.now();
    // Connecting and starting are no part of reading.
    firstAtMs ??= lastAtMs;
    tarBytes += chunk.length;
  }
  const { exitCode, stderrTail } = await reading.ended;
  signal.throwIfAborted();
  // 1 and 2: files changed or vanished meanwhile, as they do on a server that serves.
  if (!ending.aborted && ![0, 1, 2].includes(exitCode ?? -1)) {
    throw new PlexliftError('failed', `Cannot read a sample of ${tree.name}: tar ended with exit code ${exitCode ?? 'unknown'}`, { remedy: 'See to what is said above, then run the same command again', facts: stderrTail.split('\n').filter((line) => line !== '').slice(-10) });
  }
  const share = Math.min(1, tarBytes / entries.reduce((sum, entry) => sum + 512 + 512 * Math.ceil(contentBytes(entry) / 512), 0));
  return {
    entries: Math.round(entries.length * share),
    bytes: Math.round(entries.reduce((sum, entry) => sum + contentBytes(entry), 0) * share),
    durationMs: Math.max(1, lastAtMs - (firstAtMs ?? lastAtMs)),
  };
}
