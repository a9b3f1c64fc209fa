import { closeSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { databasesIn } from '../../catalogue/catalogueFiles.ts';
import type { MediaPath } from '../../catalogue/mediaPaths.ts';
import { mediaPaths } from '../../catalogue/mediaPaths.ts';
import { libraryDatabase } from '../../plex/dataDirectory.ts';
import type { Sentinel } from '../../targets/target.ts';
import { compareShares, mountsShowMedia, requireMounts, sameShares } from '../mediaProof.ts';
import type { OddMedia } from '../mediaTally.ts';
import { mediaTally } from '../mediaTally.ts';
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
  /** Files whose first bytes were seen to be the same on both sides. */
  readonly comparedFiles: number;
  readonly sentinels: readonly Sentinel[];
};

const batchSize = 2000;

/** Inside the waiting pod: the mounts answer, are the same shares as on the source, and every media path is looked up. */
export const media: MigrationStep<'source' | 'target' | 'directory' | 'mapping' | 'pairs' | 'accepted' | 'record', MediaLookUp> = {
  name: 'media',
  title: 'Look up every media file where Plex will see it',
  touches: 'nothing',
  async run({ source, target, directory, mapping, pairs, accepted, record, resultOf, note, progress, signal }) {
    const facts = resultOf(inspect).target;
    const tally = mediaTally(await requireMounts({ target, pairs, facts, note }));
    const listing = openList(directory.missingMedia);
    let batch: MediaPath[] = [];
    const flush = async (): Promise<void> => {
      const asked = new Map(batch.map((path) => [path.path.toString('utf8'), path]));
      batch = [];
      for await (const finding of target.lookUp([...asked.keys()])) {
        const path = asked.get(finding.path);
        if (path === undefined) throw new Error(`the target answered for "${finding.path}", which was not asked for`);
        const odd = tally.take(finding, path);
        if (odd !== null) listing.add(odd);
        asked.delete(finding.path);
      }
      const [unanswered] = asked.keys();
      if (unanswered !== undefined) throw new Error(`the target gave no answer for ${asked.size} media files, "${unanswered}" among them`);
      progress({ what: 'looking up media', done: tally.lookedUp, unit: 'files' });
    };
    try {
      for await (const path of mediaPaths(join(databasesIn(join(directory.trial, 'before')), libraryDatabase), mapping)) {
        signal.throwIfAborted();
        if (tally.mountOf(path.path.toString('utf8')) === null || !isText(path.path)) {
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
    const { lookedUp, present, missing, unreadable, otherSize, notLookedUp } = tally;
    await runChecks([mountsShowMedia], { shown: tally.shown(), facts }, { step: 'media', accepted, record });
    const compared = await compareShares({ source, target }, tally.shared());
    await runChecks([sameShares], { compared, pairs, facts }, { step: 'media', accepted, record });
    if (missing > 0) note(`${missing} of ${lookedUp} media files are missing on the target; they are listed in ${directory.missingMedia} and do not block`);
    if (unreadable > 0) note(`${unreadable} media files cannot be opened as Plex's user on the target; they are listed in ${directory.missingMedia}`);
    if (otherSize > 0) note(`${otherSize} media files have another size on the target than Plex recorded; they are listed in ${directory.missingMedia}`);
    const comparedFiles = compared.reduce((sum, each) => sum + each.compared, 0);
    return { lookedUp, present, missing, unreadable, otherSize, notLookedUp, missingByLibrary: Object.fromEntries(tally.missingByLibrary), comparedFiles, sentinels: tally.sentinels() };
  },
};

function isText(path: Buffer): boolean {
  return Buffer.from(path.toString('utf8'), 'utf8').equals(path);
}

interface MediaList {
  add(line: OddMedia): void;
  /** Gives the list its name: every path was looked up. */
  keep(): void;
  close(): void;
}

/** Written beside its name and renamed when whole, so that a list of an earlier look is never taken for this one's. */
function openList(file: string): MediaList {
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
