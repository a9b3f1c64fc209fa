import type { Target } from '../targets/target.ts';
import type { BytePath, Entry, Owner } from './entry.ts';
import { textOf } from './entry.ts';
import type { LandingRecord } from './landingRecord.ts';
import type { SentFile } from './manifestBoots.ts';
import type { Manifest } from './manifest.ts';
import { sampler, type Sample } from './sample.ts';

/** What reading the landing area back gave; JSON, for the journal. */
export type LandingProof = {
  /** True when nothing is missing, extra, different, without a receipt, or of other content. */
  readonly ok: boolean;
  /** What was listed, both trees together. */
  readonly entries: number;
  readonly bytes: number;
  readonly missing: Sample;
  readonly extra: Sample;
  /** Another type, size, time (to the second), mode, link target or owner; each with what differs. */
  readonly differing: Sample;
  readonly withoutReceipt: Sample;
  /** Files whose content was read once more from the volume: all of the catalogue, and some of the bulk. */
  readonly filesReadAgain: number;
  readonly contentDiffering: Sample;
  /** What is wrong, one sentence a line; empty when `ok`. */
  readonly messages: readonly string[];
};

const none: Sample = { count: 0, first: [] };

/** Names kept of each kind. */
const namesKept = 20;

/** Landed entries recorded at a time. */
const batchEntries = 5_000;

/** Files of the bulk whose content is read once more; receipts have proven it of every file before. */
const bulkFilesReadAgain = 200;

/** Paths asked for in one call. */
const digestsPerCall = 500;

/** The part of a target that a proof uses. Without `landedDigest` every entry is read back. */
export type LandingReader = Pick<Target, 'bootId' | 'landed' | 'digestsOf'> & Partial<Pick<Target, 'landedDigest'>>;

/**
 * Compares the landing area, read back, with both latest listings, and with what receipts prove. Where it holds what it should, one digest
 * tells so; otherwise every entry is fetched, and what is at fault is recorded in the manifest as unproven, so that the next sending puts
 * it right. Throws `failed` where a listing is missing or was cut off.
 */
export async function proveLanding(options: { readonly manifest: Manifest; readonly target: LandingReader; readonly owner: Owner }): Promise<LandingProof> {
  const { manifest, target, owner } = options;
  const record = manifest.beginProof({ owner, boot: await target.bootId() });
  const isAsListed = await hasExpectedDigest(record, target);
  if (!isAsListed) await readBack(record, target);
  const readAgain = [...record.filesToReadAgain(bulkFilesReadAgain, isAsListed ? 'all expected' : 'those recorded')];
  const content = await contentDifferencesIn(readAgain, target);
  const faults = {
    ...(isAsListed ? { missing: none, extra: none, differing: none } : { missing: sampleOf(record.missing()), extra: sampleOf(record.extra()), differing: differencesIn(record) }),
    withoutReceipt: sampleOf(record.withoutReceipt()),
    contentDiffering: content.sample,
  };
  record.doubt(content.paths);
  if (!isAsListed) record.doubtByRecord();
  const messages = messagesOf(faults);
  return { ok: messages.length === 0, ...record.expected(), ...faults, filesReadAgain: readAgain.length, messages };
}

function messagesOf(faults: Pick<LandingProof, 'missing' | 'extra' | 'differing' | 'withoutReceipt' | 'contentDiffering'>): readonly string[] {
  const kinds = [
    ['missing from the landing area', faults.missing],
    ['in the landing area, but not listed', faults.extra],
    ['other than listed', faults.differing],
    ['without a receipt', faults.withoutReceipt],
    ['of other content than was sent', faults.contentDiffering],
  ] as const;
  return kinds.flatMap(([what, { count, first }]) => {
    if (count === 0) return [];
    const more = count > first.length ? [`… and ${count - first.length} more ${what}`] : [];
    return [`${count} ${count === 1 ? 'entry is' : 'entries are'} ${what}:`, ...first.map((name) => `  ${name}`), ...more];
  });
}

/** Both sides make their digest at the same time. */
async function hasExpectedDigest(record: LandingRecord, { landedDigest }: LandingReader): Promise<boolean> {
  const expected = record.expectedDigest();
  if (landedDigest === undefined || expected === null) return false;
  const [there, wanted] = await Promise.all([landedDigest(expected.withoutTime), expected.sha256()]);
  return there === wanted;
}

async function readBack(record: LandingRecord, target: Pick<Target, 'landed'>): Promise<void> {
  let batch: Entry[] = [];
  for await (const entry of target.landed()) {
    batch.push(entry);
    if (batch.length < batchEntries) continue;
    record.record(batch);
    batch = [];
  }
  record.record(batch);
}

function sampleOf(paths: Iterable<BytePath>): Sample {
  const sampled = sampler(namesKept);
  for (const path of paths) sampled.add(path);
  return sampled.sample();
}

function differencesIn(record: LandingRecord): Sample {
  const sampled = sampler(namesKept);
  for (const { listed, there, timeMatters, isStrangers } of record.pairs()) {
    const differences = [...differencesBetween(listed, there, timeMatters), ...(isStrangers ? [`belongs to ${there.belongsTo ?? 'nobody known'}`] : [])];
    if (differences.length > 0) sampled.add(listed.path, differences.join(', '));
  }
  return sampled.sample();
}

function differencesBetween(listed: Entry, there: Entry, timeMatters: boolean): readonly string[] {
  if (listed.type !== there.type) return [`is a ${there.type}, listed was a ${listed.type}`];
  const differences: string[] = [];
  if (listed.type === 'file' && listed.sizeBytes !== there.sizeBytes) differences.push(`has ${there.sizeBytes} bytes, listed were ${listed.sizeBytes}`);
  if (listed.linkTarget !== there.linkTarget) differences.push(`leads to ${linkOf(there)}, listed was ${linkOf(listed)}`);
  if (listed.type !== 'link' && listed.mode !== there.mode) differences.push(`has mode ${there.mode.toString(8)}, listed was ${listed.mode.toString(8)}`);
  const [listedAt, thereAt] = [Math.floor(listed.modifiedAtSeconds), Math.floor(there.modifiedAtSeconds)];
  if (timeMatters && listedAt !== thereAt) differences.push(`has time ${thereAt}, listed was ${listedAt}`);
  return differences;
}

function linkOf(entry: Entry): string {
  return entry.linkTarget === undefined ? 'nothing' : `"${textOf(entry.linkTarget)}"`;
}

async function contentDifferencesIn(
  files: readonly SentFile[],
  target: Pick<Target, 'digestsOf'>,
): Promise<{ readonly sample: Sample; readonly paths: readonly BytePath[] }> {
  const sampled = sampler(namesKept);
  const paths: BytePath[] = [];
  for (let from = 0; from < files.length; from += digestsPerCall) {
    const some = files.slice(from, from + digestsPerCall);
    const there = await target.digestsOf(some.map(({ path }) => path));
    for (const { path, sha256 } of some) {
      const found = there.get(path);
      if (found === sha256) continue;
      sampled.add(path, found === undefined ? 'could not be read' : 'has other content than was sent');
      paths.push(path);
    }
  }
  return { sample: sampled.sample(), paths };
}
