import type { PlexOnlyParts } from '../database.ts';
import type { ComparedIndex } from './plexOnlyIndexes.ts';

/** What to do about a log that is damaged or not the database's own: Plex would take it in without a word. */
export const remedyForLogs =
  'Before Plex is started there again, copy the database and the "-wal" (or "-journal") file beside it to a safe place: Plex takes in whatever it can read of that file. If it belongs to another database, move it away from beside this one; if it is damaged, start Plex once and stop it again, which keeps what can be read of it';

/** A table that the SQLite of this computer cannot check, and its words for that. */
export interface UncheckedTable {
  readonly table: string;
  readonly why: string;
}

/** What of a database was checked in part, or not at all. */
export interface Unproven {
  readonly indexes: readonly ComparedIndex[];
  readonly virtualTables: PlexOnlyParts['virtualTables'];
  readonly setAside: readonly UncheckedTable[];
  readonly collatedTables: readonly string[];
}

/** What is left for Plex's own SQLite to prove of a database. */
export function unprovenIn({ indexes, virtualTables, setAside, collatedTables }: Unproven): readonly string[] {
  return [
    ...collatedTables.map((table) => `Table "${table}": whether what a column of it holds is in order, and there only once where it has to be, only Plex's own SQLite can tell (a collation of its own)`),
    ...setAside.map(({ table, why }) => `Table "${table}" and its indexes: not checked at all, because their definition calls for something that only Plex's own SQLite has (${why})`),
    ...indexes.map(({ name, table, collation, compared }) =>
      compared
        ? `Index "${name}" of "${table}": its entries are those of the rows, but whether they are in the order of the collation "${collation}" only Plex's own SQLite can tell`
        : `Index "${name}" of "${table}": only its pages were checked; its entries and their order (collation "${collation}") only Plex's own SQLite can tell`,
    ),
    ...virtualTables
      .filter(({ module }) => module !== 'rtree')
      .map(({ name, module }) => `Search table "${name}" (${module}): only its stored pages were checked, its content only Plex's own SQLite can read`),
  ];
}
