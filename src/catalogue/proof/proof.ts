import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { holdsMediaPaths, isDatabase, isSidecar, preferencesFile } from '../../plex/dataDirectory.ts';
import type { PreferenceEdit } from '../../plex/preferences.ts';
import { databasesIn } from '../catalogueFiles.ts';
import type { Pair } from './prediction.ts';
import { compareDatabases } from './proofOfDatabases.ts';
import { comparePreferences } from './proofOfPreferences.ts';
import { createTally, type ProofReport } from './proofReport.ts';
import { sameBytes } from './sameBytes.ts';

export type { Difference, ProofReport } from './proofReport.ts';

/** What is compared with what: two catalogues, the pairs as the person gave them, the edits planned for Preferences.xml. */
export interface ProofOptions {
  readonly before: string;
  readonly after: string;
  readonly pairs: readonly Pair[];
  /** Whether `file://` identifiers were to be mapped like the paths they hold. */
  readonly fileGuids: 'leave' | 'rewrite';
  readonly edits: readonly PreferenceEdit[];
}

/** Proves that exactly the cells differ which the pairs predict, computed anew from `before`; changes neither. */
export async function proveRewrite({ before, after, pairs, fileGuids, edits }: ProofOptions): Promise<ProofReport> {
  const tally = createTally();
  // What lies beside a database before is read with it; after, nothing may lie there.
  const names = readdirSync(databasesIn(before)).filter((name) => !isSidecar(name) || !isDatabase(name.replace(/-\w+$/, '')));
  const namesAfter = readdirSync(databasesIn(after));
  for (const name of new Set([...names, ...namesAfter].toSorted())) {
    const files = { before: join(databasesIn(before), name), after: join(databasesIn(after), name) };
    if (!names.includes(name)) tally.note({ file: name, kind: 'this file was not there before' });
    else if (!namesAfter.includes(name)) tally.note({ file: name, kind: 'this file is gone' });
    else if (isDatabase(name)) await compareDatabases(name, { ...files, expected: holdsMediaPaths(name) ? { pairs, fileGuids } : null, tally });
    else if (!sameBytes(files.before, files.after)) tally.note({ file: name, kind: 'this file changed' });
  }
  for (const kind of comparePreferences(readFileSync(join(before, preferencesFile)), { after: readFileSync(join(after, preferencesFile)), edits })) {
    tally.note({ file: preferencesFile, kind });
  }
  return tally.report();
}

/** The same for two database files of any name; changes neither. */
export async function proveDatabase({ before, after, pairs, fileGuids }: Omit<ProofOptions, 'edits'>): Promise<ProofReport> {
  const tally = createTally();
  await compareDatabases(basename(after), { before, after, expected: { pairs, fileGuids }, tally });
  return tally.report();
}
