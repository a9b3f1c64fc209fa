import { closeSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { databasesIn } from '../../catalogue/catalogueFiles.ts';
import type { MediaPath } from '../../catalogue/mediaPaths.ts';
import { mediaPaths } from '../../catalogue/mediaPaths.ts';
import { libraryDatabase } from '../../plex/dataDirectory.ts';
import type { Check } from '../../runner/check.ts';
import type { MediaFinding, Sentinel } from '../../targets/target.ts';
import type { SharedMedia } from '../mediaProof.ts';
import { requireMounts, requireSameShare } from '../mediaProof.ts';
import type { MigrationStep } from '../migration.ts';
import { runChecks } from '../runChecks.ts';
import { inspect } from './inspect.ts';

/** What the target sees of the media. */
export type MediaLookUp = {
  readonly lookedUp: number;
  readonly present: number;
  readonly missing: number;
  /** Files the target can see but not open as Plex's user. */
  readonly unreadable: number;
  /** Present, with another size than Plex recorded: changed since, or not the same file. */
  readonly otherSize: number;
  readonly notLookedUp: number;
  readonly missingByLibrary: Readonly<Record<string, number>>;
  /** Files whose first bytes were compared between both sides. */
  readonly comparedFiles: number;
  readonly sentinels: readonly Sentinel[];
};

const batchSize = 2000;
/** Several for each mount, because any one of them may be deleted by its owner before Plex starts. */
const sentinelsPerMount = 5;

/** Inside the waiting pod: the mounts answer, are the same shares as on the source, and every media path is looked up. */
export const media: MigrationStep<'source' | 'target' | 'directory' | 'mapping' | 'pairs' | 'accepted' | 'record', MediaLookUp> = {
  name: 'media',
  title: 'Look up every media file where Plex will see it',
  touches: 'nothing',
  async run({ source, target, directory, mapping, pairs, accepted, record, resultOf, note, progress, signal }) {
    const facts = resultOf(inspect).target;
    const answering = await requireMounts({ target, pairs, facts, note });
    const tally = newTally(answering);
    const listing = openMissingList(directory.missingMedia);
    let batch: MediaPath[] = [];
    const flush = async (): Promise<void> => {
      const asked = new Map(batch.map((path) => [path.path.toString('utf8'), path]));
      batch = [];
      for await (const finding of target.lookUp([...asked.keys()])) {
        const path = asked.get(finding.path);
        if (path === undefined) throw new Error(`the target answered for "${finding.path}", which was not asked for`);
        take(tally, finding, path, listing);
        asked.delete(finding.path);
      }
      const [unanswered] = asked.keys();
      if (unanswered !== undefined) throw new Error(`the target gave no answer for ${asked.size} media files, "${unanswered}" among them`);
      progress({ what: 'looking up media', done: tally.lookedUp, unit: 'files' });
    };
    try {
      for await (const path of mediaPaths(join(databasesIn(join(directory.trial, 'before')), libraryDatabase), mapping)) {
        signal.throwIfAborted();
        if (mountOf(path.path.toString('utf8'), answering) === null || !isText(path.path)) {
          tally.notLookedUp += 1;
          continue;
        }
        batch.push(path);
        if (batch.length >= batchSize) await flush();
      }
      if (batch.length > 0) await flush();
      listing.keep();
    } finally {
      listing.close();
    }
    await runChecks([mountsShowMedia], { barren: facts.mounts === null ? [] : barrenMounts(tally), mounts: answering }, { step: 'media', accepted, record });
    if (tally.missing > 0) note(`${tally.missing} of ${tally.lookedUp} media files are missing on the target; they are listed in ${directory.missingMedia} and do not block`);
    if (tally.unreadable > 0) note(`${tally.unreadable} media files cannot be opened as Plex's user on the target`);
    const comparedFiles = await requireSameShare({ source, target }, tally.shared);
    return { lookedUp: tally.lookedUp, present: tally.present, missing: tally.missing, unreadable: tally.unreadable, otherSize: tally.otherSize, notLookedUp: tally.notLookedUp, missingByLibrary: Object.fromEntries(tally.missingByLibrary), comparedFiles, sentinels: [...tally.sentinels.values()].flat() };
  },
};

/** Missing files do not block, but a mount that shows none of its files is most likely another share than the source has. */
export const mountsShowMedia: Check<{ readonly barren: readonly string[]; readonly mounts: readonly string[] }> = {
  name: 'mounts-show-media',
  claim: 'Every mount shows media files that the library names',
  async run({ barren, mounts }) {
    if (barren.length === 0) return { status: 'pass', detail: mounts.join(', ') };
    return { status: 'fail', detail: `not one file of the library is to be seen below ${barren.map((mount) => `"${mount}"`).join(', ')}`, remedy: 'Check which share is mounted there, and the paths in the configuration' };
  },
};

/** Mounts that were asked for files and showed none. */
function barrenMounts(tally: Tally): readonly string[] {
  return tally.mounts.filter((mount) => (tally.askedBelow.get(mount) ?? 0) > 0 && tally.sentinels.get(mount)?.length === 0);
}

interface Tally {
  lookedUp: number;
  present: number;
  missing: number;
  unreadable: number;
  otherSize: number;
  notLookedUp: number;
  readonly mounts: readonly string[];
  /** Files asked for, by mount. */
  readonly askedBelow: Map<string, number>;
  readonly missingByLibrary: Map<string, number>;
  readonly sentinels: Map<string, Sentinel[]>;
  readonly shared: SharedMedia[];
}

function newTally(mounts: readonly string[]): Tally {
  return { lookedUp: 0, present: 0, missing: 0, unreadable: 0, otherSize: 0, notLookedUp: 0, mounts, askedBelow: new Map(), missingByLibrary: new Map(), sentinels: new Map(mounts.map((mount) => [mount, []])), shared: [] };
}

function take(tally: Tally, finding: MediaFinding, path: MediaPath, listing: MissingList): void {
  const mount = mountOf(finding.path, tally.mounts);
  tally.lookedUp += 1;
  if (mount !== null) tally.askedBelow.set(mount, (tally.askedBelow.get(mount) ?? 0) + 1);
  if (finding.status !== 'present') {
    const library = path.library ?? 'no library';
    if (finding.status === 'missing') {
      tally.missing += 1;
      tally.missingByLibrary.set(library, (tally.missingByLibrary.get(library) ?? 0) + 1);
    } else tally.unreadable += 1;
    listing.add({ path: finding.path, status: finding.status, library, title: path.title });
    return;
  }
  tally.present += 1;
  if (path.sizeBytes !== null && finding.sizeBytes !== path.sizeBytes) tally.otherSize += 1;
  const sentinels = mount === null ? undefined : tally.sentinels.get(mount);
  if (mount === null || sentinels === undefined || sentinels.length >= sentinelsPerMount || finding.sizeBytes === null) return;
  sentinels.push({ mount, path: finding.path, sizeBytes: finding.sizeBytes });
  tally.shared.push({ from: path.source.toString('utf8'), to: finding.path });
}

/** The longest mount that a path lies below. */
function mountOf(path: string, mounts: readonly string[]): string | null {
  return mounts.filter((mount) => path.startsWith(mount === '/' ? '/' : `${mount}/`)).toSorted((left, right) => right.length - left.length)[0] ?? null;
}

function isText(path: Buffer): boolean {
  return Buffer.from(path.toString('utf8'), 'utf8').equals(path);
}

interface MissingList {
  add(line: { readonly path: string; readonly status: string; readonly library: string; readonly title: string | null }): void;
  /** Gives the list its name: every path was looked up. */
  keep(): void;
  close(): void;
}

/** Written beside its name and renamed when whole, so that a list of an earlier look is never taken for this one's. */
function openMissingList(file: string): MissingList {
  const temporary = `${file}.tmp`;
  const descriptor = openSync(temporary, 'w', 0o600);
  return {
    add: (line) => {
      writeSync(descriptor, `${JSON.stringify(line)}\n`);
    },
    keep: () => renameSync(temporary, file),
    close: () => closeSync(descriptor),
  };
}
