import { closeSync, fsyncSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { holdsMediaPaths, preferencesFile } from '../../plex/dataDirectory.ts';
import type { FileGuids } from '../../plex/pathColumns.ts';
import type { PathMapping } from '../../plex/pathMapping.ts';
import { planPreferences, type PreferencePlan } from '../../plex/preferencePlan.ts';
import { editPreferences } from '../../plex/preferences.ts';
import { databaseNames, databasesIn } from '../catalogueFiles.ts';
import { withDatabase } from '../database.ts';
import { makeFreshCopy, requireSettled } from './freshCopy.ts';
import { readHeader } from '../integrity/header.ts';
import { rewriteColumn, type ColumnRewrite } from './rewriteColumn.ts';
import { planRewrite } from './rewritePlan.ts';
import { withoutTriggers } from './searchTriggers.ts';

/** What happened to one database. */
export type DatabaseRewrite = {
  readonly file: string;
  readonly columns: readonly ColumnRewrite[];
};

/** What a rewrite did to a catalogue. */
export type CatalogueRewrite = {
  readonly databases: readonly DatabaseRewrite[];
  readonly preferences: PreferencePlan;
};

/** `from` is a settled catalogue and stays as it is; `into` is made anew from it, so repeating gives the same. */
export interface RewriteOptions {
  readonly from: string;
  readonly into: string;
  readonly mapping: PathMapping;
  /** Whether `file://` identifiers are mapped too, in every table that is keyed on them. */
  readonly fileGuids: FileGuids;
  readonly friendlyName: string | null;
  /** Told after each batch: the rows looked at so far. */
  readonly onRows?: (rows: number) => void;
}

/** Copies the catalogue `from` to `into` and rewrites the paths and settings there. Throws `refused` where it cannot be done safely. */
export async function rewriteCatalogue({ from, into, mapping, fileGuids, friendlyName, onRows }: RewriteOptions): Promise<CatalogueRewrite> {
  makeFreshCopy(from, into);
  const databases: DatabaseRewrite[] = [];
  let before = 0;
  for (const name of databaseNames(into).filter(holdsMediaPaths)) {
    let looked = 0;
    const file = join(databasesIn(into), name);
    databases.push(await rewriteDatabase(file, { mapping, fileGuids, onRows: (rows) => onRows?.(before + (looked = rows)) }));
    before += looked;
  }
  const file = join(into, preferencesFile);
  const bytes = readFileSync(file);
  const preferences = planPreferences(bytes, { mapping, friendlyName });
  writeFileSync(file, editPreferences(bytes, preferences.edits), { mode: 0o600 });
  return { databases, preferences };
}

/**
 * Rewrites one settled database in place, in one transaction. Not to be repeated on its own result, and not to be trusted after a power
 * cut on the way: it is meant for a copy that is then made anew. Throws `refused` with nothing changed where it cannot be done safely.
 */
export async function rewriteDatabase(file: string, { mapping, fileGuids, onRows }: Pick<RewriteOptions, 'mapping' | 'fileGuids' | 'onRows'>): Promise<DatabaseRewrite> {
  requireSettled(file);
  const before = readHeader(file).header;
  const columns = await withDatabase(file, 'write', async (database) => {
    const plan = planRewrite(database, { name: basename(file), mapping, fileGuids });
    // A rollback journal holds each page once, a write-ahead log each time it leaves the cache; nothing waits for the disk before the end.
    database.exec(`PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF; PRAGMA cache_size = -${cacheKib}`);
    try {
      database.exec('BEGIN IMMEDIATE');
      const done: ColumnRewrite[] = [];
      let looked = 0;
      const onBatch = (rows: number): void => onRows?.((looked += rows));
      await withoutTriggers(database, plan.triggers, async () => {
        for (const column of plan.columns) done.push(await rewriteColumn(database, column, { mapping, onBatch }));
      });
      database.exec('COMMIT');
      return done;
    } catch (thrown) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw thrown;
    } finally {
      if (before?.journal === 'wal') database.exec('PRAGMA journal_mode = WAL');
    }
  });
  requireSettled(file);
  const after = readHeader(file).header;
  if (before?.journal !== after?.journal || before?.pageSizeBytes !== after?.pageSizeBytes) {
    throw new Error(`Cannot rewrite "${basename(file)}": its journal mode or page size changed on the way`);
  }
  // The directory too: a rollback journal that came back after a power cut would take the rewrite back.
  for (const path of [file, dirname(file)]) sync(path);
  return { file, columns };
}

/** Bounds the memory of the largest library, and is more than the indexes of most ever touch at once. */
const cacheKib = 32 * 1024;

function sync(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
