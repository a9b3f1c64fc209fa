import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { isBuiltInAgent, isBuiltInPlugIn } from '../plex/agents.ts';
import { libraryDatabase } from '../plex/dataDirectory.ts';
import { isFileUrl, pathOfFileUrl } from '../plex/fileUrl.ts';
import { pathColumns, rewrittenColumns, type FileGuids, type PathColumn } from '../plex/pathColumns.ts';
import { mapPath, type PathMapping } from '../plex/pathMapping.ts';
import { mapValue } from '../plex/pathValue.ts';
import { reversalOf } from '../plex/reversal.ts';
import { databaseNames, databasesIn } from './catalogueFiles.ts';
import { breathe, bytesOfCell, ordinaryTables, quoted, withDatabase } from './database.ts';
import { scanForPaths, type OtherPaths, type UnknownPaths } from './pathScan.ts';

/** One directory of a library, where it goes, and by which rule; null where no rule has it. */
export type LibraryRoot = {
  readonly library: string;
  readonly path: string;
  readonly rule: string | null;
  readonly target: string | null;
};

/** How the mapping fits one path column. */
export type ColumnCoverage = {
  readonly table: string;
  readonly column: string;
  /** True where the rewrite changes it, false where its paths are left and told. */
  readonly rewritten: boolean;
  readonly byRule: readonly { readonly from: string; readonly rows: number }[];
  /** Paths no rule has, grouped by their first two segments; Windows and network paths too. */
  readonly uncovered: readonly { readonly prefix: string; readonly rows: number }[];
  /** Values that are no paths: empty, or URLs of another scheme, by scheme. */
  readonly otherSchemes: readonly { readonly scheme: string; readonly rows: number }[];
  /** Values that are neither text nor NULL; they are left. */
  readonly notText: number;
  /** Rows whose value the inverse mapping would not give back; 0 where nothing is rewritten. */
  readonly irreversible: number;
};

/** What a mapping would do to a catalogue, and what it would not reach. */
export type Coverage = {
  readonly roots: readonly LibraryRoot[];
  /** Targets that two directories of libraries would share. */
  readonly sharedTargets: readonly string[];
  readonly columns: readonly ColumnCoverage[];
  /** Mapped directories in other columns. */
  readonly unknownPaths: readonly UnknownPaths[];
  /** What else looks like a path in other columns. */
  readonly otherPaths: readonly OtherPaths[];
  /** Libraries whose agent does not come with the server. */
  readonly foreignAgents: readonly { readonly library: string; readonly agent: string }[];
  /** Plug-ins that do not come with the server. */
  readonly foreignPlugIns: readonly string[];
};

/** What a catalogue is looked at with. */
export interface CoverageOptions {
  readonly mapping: PathMapping;
  readonly fileGuids: FileGuids;
}

/** Looks at a catalogue through a mapping; changes nothing. */
export async function coverCatalogue(directory: string, { mapping, fileGuids }: CoverageOptions): Promise<Coverage> {
  const unknownPaths: UnknownPaths[] = [];
  const otherPaths: OtherPaths[] = [];
  for (const file of databaseNames(directory)) {
    const { mapped, others } = await withDatabase(join(databasesIn(directory), file), 'read', async (database) => scanForPaths(database, { file, mapping }));
    unknownPaths.push(...mapped);
    otherPaths.push(...others);
  }
  const rewritten = rewrittenColumns(fileGuids);
  return withDatabase(join(databasesIn(directory), libraryDatabase), 'read', async (database) => {
    const roots = libraryRoots(database, mapping);
    const targets = roots.map(({ target }) => target).filter((target) => target !== null);
    const columns: ColumnCoverage[] = [];
    for (const column of pathColumns) {
      if (!hasColumn(database, column)) continue;
      columns.push(coverColumn(database, column, { mapping, rewritten: rewritten.includes(column) }));
      await breathe();
    }
    const sharedTargets = Array.from(new Set(targets.filter((target, place) => targets.indexOf(target) !== place)));
    return { roots, sharedTargets, columns, unknownPaths, otherPaths, ...foreignParts(database) };
  });
}

/** Every directory of every library, and where the mapping takes it; the database must have the tables of a library. */
export function libraryRoots(database: DatabaseSync, mapping: PathMapping): readonly LibraryRoot[] {
  const rows = database
    .prepare("SELECT s.name AS library, CAST(l.root_path AS BLOB) AS path FROM section_locations AS l LEFT JOIN library_sections AS s ON s.id = l.library_section_id WHERE typeof(l.root_path) = 'text' AND l.root_path COLLATE BINARY <> '' ORDER BY l.id")
    .all();
  return rows.flatMap((row) => {
    const path = bytesOfCell(row['path']);
    if (path === null) return [];
    const mapped = mapPath(mapping, path);
    return [{ library: String(row['library'] ?? ''), path: path.toString('utf8'), rule: mapped?.rule.from ?? null, target: mapped?.path.toString('utf8') ?? null }];
  });
}

function coverColumn(database: DatabaseSync, { table, column, form, action }: PathColumn, { mapping, rewritten }: { readonly mapping: PathMapping; readonly rewritten: boolean }): ColumnCoverage {
  const [t, c] = [quoted(table), quoted(column)];
  const byRule = new Map(mapping.rules.map(({ from }) => [from, 0]));
  const uncovered = new Map<string, number>();
  const otherSchemes = new Map<string, number>();
  const reversal = reversalOf(mapping);
  let irreversible = 0;
  // A guid column holds mostly other schemes, and counting those would tell nothing.
  const only = action === 'on request' ? ` AND CAST(substr(${c}, 1, 7) AS BLOB) = CAST('file://' AS BLOB)` : '';
  for (const row of database.prepare(`SELECT CAST(${c} AS BLOB) AS value FROM ${t} NOT INDEXED WHERE typeof(${c}) = 'text'${only}`).iterate()) {
    const value = bytesOfCell(row['value']);
    if (value === null || value.length === 0) continue;
    if (form === 'file url' && !isFileUrl(value)) {
      count(otherSchemes, /^[A-Za-z][\w+.-]*:\/\//.exec(value.toString('latin1', 0, 40))?.[0] ?? 'none');
      continue;
    }
    const mapped = mapValue(mapping, form, value);
    if (rewritten && !reversal.givesBack(form, { before: value, after: mapped?.value ?? value })) irreversible += 1;
    if (mapped === null) count(uncovered, firstSegments((form === 'path' ? value : pathOfFileUrl(value))?.toString('utf8') ?? ''));
    else count(byRule, mapped.rule.from);
  }
  const notText = database.prepare(`SELECT count(*) AS rows FROM ${t} NOT INDEXED WHERE typeof(${c}) NOT IN ('text', 'null')`).get();
  return {
    table,
    column,
    rewritten,
    byRule: Array.from(byRule, ([from, rows]) => ({ from, rows })),
    uncovered: Array.from(uncovered, ([prefix, rows]) => ({ prefix, rows })).toSorted((left, right) => right.rows - left.rows),
    otherSchemes: Array.from(otherSchemes, ([scheme, rows]) => ({ scheme, rows })),
    notText: Number(notText?.['rows']),
    irreversible,
  };
}

// "/mnt/old", "C:\Media", "\\nas\films": enough to recognise a mount, few enough to list.
function firstSegments(path: string): string {
  if (path.startsWith('\\\\')) return `\\\\${path.slice(2).split('\\').slice(0, 2).join('\\')}`;
  if (/^[A-Za-z]:[\\/]/.test(path)) return path.split(/[\\/]/).slice(0, 2).join('\\');
  return path.startsWith('/') ? path.split('/').slice(0, 3).join('/') : 'a relative path';
}

function foreignParts(database: DatabaseSync): Pick<Coverage, 'foreignAgents' | 'foreignPlugIns'> {
  const agents = database.prepare('SELECT name, agent FROM library_sections ORDER BY id').all();
  const plugIns = ordinaryTables(database).some(({ name }) => name === 'plugins') ? database.prepare('SELECT DISTINCT identifier FROM plugins ORDER BY identifier').all() : [];
  return {
    foreignAgents: agents.map((row) => ({ library: String(row['name']), agent: String(row['agent'] ?? '') })).filter(({ agent }) => agent !== '' && !isBuiltInAgent(agent)),
    foreignPlugIns: plugIns.map((row) => String(row['identifier'])).filter((identifier) => !isBuiltInPlugIn(identifier)),
  };
}

function hasColumn(database: DatabaseSync, { table, column }: PathColumn): boolean {
  return database.prepare('SELECT 1 FROM pragma_table_xinfo(?) WHERE name = ?').get(table, column) !== undefined;
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
