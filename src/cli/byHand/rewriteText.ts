import { basename } from 'node:path';
import type { DatabaseRewrite } from '../../catalogue/rewrite/rewrite.ts';
import type { PreferencePlan } from '../../plex/preferencePlan.ts';
import { counted } from './proofText.ts';

/** What a rewrite did, for a person: every column, and every setting that was touched or told. */
export function rewriteText({ databases, preferences }: { readonly databases: readonly DatabaseRewrite[]; readonly preferences: PreferencePlan | null }): string {
  // Of several databases, the one that only goes with the library has these tables too, and nothing in them.
  const columns = databases.flatMap(({ file, columns: done }) => done.filter(({ rows }) => rows > 0 || databases.length === 1).map((column) => ({ ...column, where: databases.length > 1 ? ` in ${basename(file)}` : '' })));
  const lines = columns.flatMap(({ table, column, where, rows, changed, uncovered, irreversible }) => [
    `  ${table}.${column}${where}: ${changed.toLocaleString('en-GB')} of ${counted(rows, 'row')} changed${uncovered === 0 ? '' : `; ${counted(uncovered, 'path')} covered by no rule, and left`}`,
    ...(irreversible === 0 ? [] : [`    ${counted(irreversible, 'row')} could not be taken back: the way back (--reverse) would give another path. Keep OLD`]),
  ]);
  const settings = preferences === null ? [] : ['', 'Settings', ...preferences.report.map(({ name, action, detail }) => `  ${action.padEnd(8)} ${name}: ${detail}`)];
  const held = preferences === null || preferences.held.length === 0 ? [] : ['  What is held keeps a first start from deleting anything: set it back in the settings of the server when all media are seen'];
  return ['Rewritten, in a copy', ...lines, ...settings, ...held, '', ''].join('\n');
}
