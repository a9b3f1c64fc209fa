import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { libraryRoots, type LibraryRoot } from '../../catalogue/coverage.ts';
import { databasesIn } from '../../catalogue/catalogueFiles.ts';
import { ordinaryTables, withDatabase } from '../../catalogue/database.ts';
import { proveDatabase, proveRewrite, type ProofReport } from '../../catalogue/proof/proof.ts';
import { compareSettings, type SettingsComparison } from '../../catalogue/proof/settingsByHand.ts';
import { stageCatalogue, stageDatabase, type StagedDatabase } from '../../catalogue/stage.ts';
import { messageOf, PlexliftError } from '../../errors.ts';
import { libraryDatabase, preferencesFile } from '../../plex/dataDirectory.ts';
import type { PreferenceEdit } from '../../plex/preferences.ts';
import type { CatalogueArgument } from './catalogueArgument.ts';
import type { GivenMapping } from './mappingOptions.ts';
import { withScratch } from './scratch.ts';

/** What comparing two libraries by a mapping came to. Holds no value of any cell or setting, but the directories of libraries. */
export interface HandProof {
  readonly ok: boolean;
  readonly report: ProofReport;
  readonly databases: number;
  /** Null where there is no Preferences.xml to compare. */
  readonly settings: SettingsComparison | null;
  /** Directories of libraries in OLD, and where the mapping takes them. */
  readonly roots: readonly LibraryRoot[];
  /** True where the proof succeeds with OLD and NEW exchanged. */
  readonly isSwapped: boolean;
  /** Sentences on how the two were read. */
  readonly warnings: readonly string[];
  /** Sentences on what was not looked at. */
  readonly notCompared: readonly string[];
}

/** Both sides, checked to be of one kind. */
export interface Sides {
  readonly old: CatalogueArgument;
  readonly made: CatalogueArgument;
}

/** Both sides as they are read. */
interface Staged {
  /** A database, or a directory laid out as a catalogue. */
  readonly old: string;
  readonly made: string;
  readonly databases: readonly (StagedDatabase & { readonly side: 'OLD' | 'NEW' })[];
  readonly notCompared: readonly string[];
}

/** How a proof is made: by which mapping, and, where plexlift made NEW itself, with which edits of Preferences.xml. */
export interface HandProofOptions extends GivenMapping {
  readonly edits?: readonly PreferenceEdit[];
  /** Stops it at the next place where that is clean. */
  readonly signal: AbortSignal;
}

/** Proves that NEW is OLD with exactly the paths changed that the mapping changes. Reads both, and changes and leaves nothing on either side. */
export async function proveByHand(sides: Sides, { pairs, mapping, fileGuids, edits, signal }: HandProofOptions): Promise<HandProof> {
  return withScratch(async (scratch) => {
    const part = async <Result>(work: () => Promise<Result>): Promise<Result> => {
      if (signal.aborted) throw new PlexliftError('interrupted', 'Stopped before the proof was complete', { remedy: 'Nothing was changed, and nothing was left behind; run the same command again' });
      return readable(work, sides);
    };
    const staged = await part(() => stage(sides, { scratch, isPlanned: edits !== undefined }));
    const prove = (before: string, after: string): Promise<ProofReport> => {
      const how = { before, after, pairs, fileGuids };
      return sides.old.kind === 'file' ? proveDatabase(how) : proveRewrite({ ...how, edits: edits ?? [] });
    };
    const databases = await part(() => prove(staged.old, staged.made));
    const roots = await part(() => rootsOf(staged, mapping));
    const isSwapped = !databases.ok && (await part(() => prove(staged.made, staged.old))).ok;
    const settings = sides.old.kind === 'file' || edits !== undefined ? null : settingsOf(sides, pairs);
    const hasNoSettings = sides.old.kind === 'directory' && edits === undefined && settings === null;
    for (const { requireUnchanged } of staged.databases) requireUnchanged();
    const report = withSettings(databases, settings?.differences ?? []);
    return {
      ok: report.ok,
      report,
      databases: staged.databases.filter(({ side }) => side === 'NEW').length,
      settings,
      roots,
      isSwapped,
      warnings: staged.databases.flatMap(({ warnings }) => warnings),
      notCompared: [...(hasNoSettings ? [`the settings: there is no ${preferencesFile}`] : []), ...staged.notCompared],
    };
  });
}

async function stage({ old, made }: Sides, { scratch, isPlanned }: { readonly scratch: string; readonly isPlanned: boolean }): Promise<Staged> {
  const places = { old: join(scratch, 'old'), made: join(scratch, 'new') };
  for (const place of Object.values(places)) mkdirSync(place);
  if (old.kind === 'file') {
    const databases = [{ ...(await stageDatabase(old.path, { directory: places.old })), side: 'OLD' as const }, { ...(await stageDatabase(made.path, { directory: places.made })), side: 'NEW' as const }];
    return { old: join(places.old, basename(old.path)), made: join(places.made, basename(made.path)), databases, notCompared: ['the settings: Preferences.xml is compared where two directories are named'] };
  }
  // Without a plan of edits settings are compared apart, so the proof of the databases gets the same ones twice.
  const same = join(scratch, preferencesFile);
  writeFileSync(same, '<Preferences/>');
  const preferencesOf = (side: CatalogueArgument): string => (isPlanned ? join(side.path, preferencesFile) : same);
  const before = await stageCatalogue(old.path, { directory: places.old, preferences: preferencesOf(old) });
  const after = await stageCatalogue(made.path, { directory: places.made, preferences: preferencesOf(made) });
  const onlyOnOne = [
    ...before.datedBackups.filter((name) => !after.datedBackups.includes(name)).map((name) => ({ name, side: 'OLD' })),
    ...after.datedBackups.filter((name) => !before.datedBackups.includes(name)).map((name) => ({ name, side: 'NEW' })),
  ];
  for (const { name, side } of onlyOnOne) rmSync(join(databasesIn(side === 'OLD' ? places.old : places.made), name));
  const others = Array.from(new Set([...before.others, ...after.others]));
  return {
    old: places.old,
    made: places.made,
    databases: [...before.databases.map((database) => ({ ...database, side: 'OLD' as const })), ...after.databases.map((database) => ({ ...database, side: 'NEW' as const }))],
    notCompared: [
      ...onlyOnOne.map(({ name, side }) => `"${name}", a dated backup that only ${side} has`),
      ...(others.length === 0 ? [] : [`what lies beside the databases and is none: ${others.map((name) => `"${name}"`).join(', ')}`]),
      'artwork and everything else outside the databases and Preferences.xml',
    ],
  };
}

/** Whatever SQLite or the system says against one of the two, as `refused`: nothing can be said of a file that cannot be read. */
async function readable<Result>(work: () => Promise<Result>, { old, made }: Sides): Promise<Result> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof PlexliftError ? thrown.kind === 'failed' : thrown instanceof Error && 'syscall' in thrown)) throw thrown;
    throw new PlexliftError('refused', `Cannot read both libraries to the end: ${messageOf(thrown)}`, {
      facts: [`OLD: ${old.path}`, `NEW: ${made.path}`],
      remedy: 'The file named is damaged, or is no database of Plex. Have Plex\'s own SQLite check it ("PRAGMA integrity_check"), and compare an undamaged copy',
      cause: thrown,
    });
  }
}

async function rootsOf(staged: Staged, mapping: GivenMapping['mapping']): Promise<readonly LibraryRoot[]> {
  const library = staged.databases.find(({ side, file }) => side === 'OLD' && (staged.old === file || basename(file) === libraryDatabase));
  if (library === undefined) return [];
  return withDatabase(library.file, 'read', (database) => {
    const tables = ordinaryTables(database).map(({ name }) => name);
    return ['section_locations', 'library_sections'].every((table) => tables.includes(table)) ? libraryRoots(database, mapping) : [];
  });
}

function settingsOf({ old, made }: Sides, pairs: GivenMapping['pairs']): SettingsComparison | null {
  const contentOf = ({ path }: CatalogueArgument): Buffer | null => (existsSync(join(path, preferencesFile)) ? readFileSync(join(path, preferencesFile)) : null);
  const [before, after] = [contentOf(old), contentOf(made)];
  if (before !== null && after !== null) return compareSettings(before, after, { pairs });
  if (before === null && after === null) return null;
  return { equal: 0, mapped: [], changed: [], differences: [before === null ? 'this file was not there before' : 'this file is gone'] };
}

function withSettings(report: ProofReport, differences: readonly string[]): ProofReport {
  const told = differences.map((kind) => ({ file: preferencesFile, table: null, column: null, rowid: null, kind }));
  return { ...report, ok: report.ok && told.length === 0, differenceCount: report.differenceCount + told.length, differences: [...told, ...report.differences] };
}
