import type { DatabaseSync } from 'node:sqlite';
import type { Counts } from './counts.ts';
import { itemStatements } from './itemRows.ts';
import { mediaStatements } from './mediaRows.ts';
import { usageStatements } from './usageRows.ts';

/** Puts in the rows of the tables that carry the library itself, by kind and in the order in which they refer to each other. */
export function fillLibrary(database: DatabaseSync, counts: Counts): void {
  for (const sql of [...itemStatements(counts), ...mediaStatements(counts), ...usageStatements(counts)]) database.exec(sql);
}
