import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, PlexliftError } from '../errors.ts';
import type { Fingerprint } from '../runner/events.ts';

/** Every path a run writes on this machine. Examples stand beside each. */
export interface RunDirectory {
  /** `~/.local/state/plexlift/plex-home-plex` */
  readonly root: string;
  /** `…/journal.ndjson`: what was done, one event a line. */
  readonly journal: string;
  /** `…/lock`: pid and host of the run that is going on. */
  readonly lock: string;
  /** `…/manifest-20261123t181500-4f2a.db`: every entry sent for one run, its segment and digests; another landing area has another manifest. */
  readonly manifestOf: (run: string) => string;
  /** `…/backup/`: the catalogue as it was before anything was touched; never written again once a run has it. */
  readonly backup: string;
  /** `…/trial/`: a copy of the backup on which `examine` tries the rewrite, and of which `media` reads the paths; made anew each time. */
  readonly trial: string;
  /** `…/scratch/`: what is needed for a moment, such as throwaway copies of databases, as large as those. Gone when a command ends; what one that was killed left goes when the next begins. */
  readonly scratch: string;
  /** `…/catalogue/taken/`: the raw files with their write-ahead logs, as they lay on the stopped source. */
  readonly taken: string;
  /** `…/catalogue/settled/`: the same with the logs applied; what the proof compares with. */
  readonly settled: string;
  /** `…/catalogue/rewritten/`: what is delivered. */
  readonly rewritten: string;
  /** `…/missing-media.ndjson`: media files that are not on the target as the library has them, one a line with library and title. */
  readonly missingMedia: string;
  /** `…/values-to-commit.yaml`: what the controller that owns the release is to apply, as it was printed last. */
  readonly valuesToCommit: string;
  /** `…/report.md` */
  readonly report: string;
}

/** Names the paths of a run directory; creates nothing. */
export function runDirectoryAt(root: string): RunDirectory {
  return {
    root,
    journal: join(root, 'journal.ndjson'),
    lock: join(root, 'lock'),
    manifestOf: (run) => join(root, `manifest-${run}.db`),
    backup: join(root, 'backup'),
    trial: join(root, 'trial'),
    scratch: join(root, 'scratch'),
    taken: join(root, 'catalogue', 'taken'),
    settled: join(root, 'catalogue', 'settled'),
    rewritten: join(root, 'catalogue', 'rewritten'),
    missingMedia: join(root, 'missing-media.ndjson'),
    valuesToCommit: join(root, 'values-to-commit.yaml'),
    report: join(root, 'report.md'),
  };
}

/** Creates the run directory with mode 0700: it holds copies of databases and of Preferences.xml with the server's token. */
export function createRunDirectory(directory: RunDirectory): void {
  try {
    mkdirSync(directory.root, { recursive: true, mode: 0o700 });
    chmodSync(directory.root, 0o700);
  } catch (error) {
    throw new PlexliftError('usage', `Cannot create the run directory "${directory.root}": ${messageOf(error)}`, {
      remedy: 'Choose another place with --run DIR, or make its parent writable',
      cause: error,
    });
  }
}

/** Makes an empty directory of it. Only for whoever holds the lock: nobody else may be using it. */
export function clearScratch(directory: RunDirectory): void {
  removeScratch(directory);
  mkdirSync(directory.scratch, { mode: 0o700 });
}

/** Removes it with everything in it. */
export function removeScratch({ scratch }: RunDirectory): void {
  rmSync(scratch, { recursive: true, force: true });
}

/** Refuses a run directory that was made for another migration. `recorded` is the journal's first fingerprint, if it has one. */
export function requireSameMigration(directory: RunDirectory, options: { readonly recorded: Fingerprint | null; readonly wanted: Fingerprint }): void {
  const { recorded, wanted } = options;
  if (recorded === null || (recorded.source === wanted.source && recorded.target === wanted.target)) return;
  throw new PlexliftError('usage', `Cannot use the run directory "${directory.root}": it belongs to another migration`, {
    facts: [`it was made for ${recorded.source} to ${recorded.target}`, `asked for now is ${wanted.source} to ${wanted.target}`],
    remedy: 'Give this migration a directory of its own with --run DIR, or correct source and target in the configuration',
  });
}

/** Writes a file whole or not at all: temporary name, then rename. */
export function writeWhole(file: string, content: string): void {
  const temporary = `${file}.tmp`;
  writeFileSync(temporary, content, { mode: 0o600 });
  renameSync(temporary, file);
}

/** The bytes of the journal, for the copy that is kept on the volume. */
export function journalBytes(directory: RunDirectory): Buffer {
  return readFileSync(directory.journal);
}
