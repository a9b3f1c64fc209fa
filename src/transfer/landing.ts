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
  /** Where everything was read back and found right before: when that was, ISO 8601, and how many directories were read once more, because something was done in them since. */
  readonly since: { readonly wholeAt: string; readonly directoriesReadAgain: number } | null;
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

interface ProofOptions {
  readonly manifest: Manifest;
  readonly target: LandingReader;
  readonly owner: Owner;
}

/**
 * Compares the landing area, read back, with both latest listings, and with what receipts prove. What was read as a whole a short time
 * before, by `proveAhead` in this boot of the node, is not read again while all is well: only the directories in which something was done
 * since. Otherwise, where it holds what it should, one digest tells so, and where that differs every entry is fetched. What is at fault is
 * recorded in the manifest as unproven, so that the next sending puts it right. Throws `failed` where a listing is missing or was cut off.
 */
export async function proveLanding({ manifest, target, owner }: ProofOptions): Promise<LandingProof> {
  const now = { owner, boot: await target.bootId() };
  const wholeAt = manifest.wholeProof.holdsSince({ ...now, atMs: Date.now() });
  if (wholeAt !== null) {
    const directories = manifest.wholeProof.touched();
    const proof = await compare(manifest.beginProof({ ...now, directories }), target, { wholeAt, directories });
    if (proof.ok) return proof;
    // What is at fault may go deeper than what was looked at, and then nothing that was read before is to be trusted.
    manifest.wholeProof.forget();
  }
  return await compare(manifest.beginProof(now), target, null);
}

/**
 * Reads back what lies in the landing area before the rest is copied, so that `proveLanding` need not read it in the down time. What is at
 * fault is recorded as unproven, and is sent with the rest. Throws `failed` where a listing is missing or was cut off.
 */
export async function proveAhead({ manifest, target, owner }: ProofOptions): Promise<LandingProof> {
  const now = { owner, boot: await target.bootId() };
  manifest.wholeProof.begin(now);
  const proof = await compare(manifest.beginProof({ ...now, isAhead: true }), target, null);
  manifest.wholeProof.finish();
  return proof;
}

async function compare(record: LandingRecord, target: LandingReader, since: { readonly wholeAt: string; readonly directories: readonly BytePath[] } | null): Promise<LandingProof> {
  const isAsListed = since === null && (await hasExpectedDigest(record, target));
  if (!isAsListed) await readBack(record, target.landed(since?.directories));
  const readAgain = [...record.filesToReadAgain(bulkFilesReadAgain, isAsListed ? 'all expected' : 'those recorded')];
  const content = await contentDifferencesIn(readAgain, target);
  const faults = {
    ...(isAsListed ? { missing: none, extra: none, differing: none } : { missing: sampleOf(record.missing()), extra: sampleOf(record.extra()), differing: differencesIn(record) }),
    withoutReceipt: sampleOf(record.withoutReceipt()),
    contentDiffering: content.sample,
  };
  record.doubt(content.paths);
  if (!isAsListed && since === null) record.doubtByRecord();
  const messages = messagesOf(faults);
  return {
    ok: messages.length === 0,
    ...record.expected(),
    ...faults,
    filesReadAgain: readAgain.length,
    since: since === null ? null : { wholeAt: since.wholeAt, directoriesReadAgain: since.directories.length + 1 },
    messages,
  };
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

async function readBack(record: LandingRecord, landed: AsyncIterable<Entry>): Promise<void> {
  let batch: Entry[] = [];
  for await (const entry of landed) {
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
