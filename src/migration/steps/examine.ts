import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { databasesIn } from '../../catalogue/catalogueFiles.ts';
import type { Coverage } from '../../catalogue/coverage.ts';
import { coverCatalogue } from '../../catalogue/coverage.ts';
import { examineCatalogue } from '../../catalogue/integrity.ts';
import type { LibraryCounts } from '../../catalogue/libraryCounts.ts';
import { libraryCounts } from '../../catalogue/libraryCounts.ts';
import { proveRewrite } from '../../catalogue/proof.ts';
import { rewriteCatalogue } from '../../catalogue/rewrite.ts';
import { settleCatalogue } from '../../catalogue/settle.ts';
import { PlexliftError } from '../../errors.ts';
import { libraryDatabase } from '../../plex/dataDirectory.ts';
import type { CheckOutcome } from '../../runner/check.ts';
import { coverageChecks } from '../checks/coverage.ts';
import { corruptionError } from '../corruption.ts';
import type { MigrationStep } from '../migration.ts';
import { runChecks } from '../runChecks.ts';
import { backUp } from './backUp.ts';
import { inspect } from './inspect.ts';

/** What the backup showed, and what the rewrite would do to it. */
export type Examined = {
  readonly counts: LibraryCounts;
  readonly coverage: Coverage;
  readonly checks: readonly CheckOutcome[];
  readonly notProven: readonly string[];
  /** What the source's own Plex SQLite said; null where it was not there to ask. */
  readonly ownSqlite: readonly string[] | null;
};

/** Integrity of the backup; damage stops the run here, with the source still running. Then the rewrite is tried on it and proven. */
export const examine: MigrationStep<'source' | 'directory' | 'mapping' | 'pairs' | 'accepted' | 'record', Examined> = {
  name: 'examine',
  title: 'Examine the backup and try the rewrite on it',
  touches: 'run directory',
  judges: backUp.name,
  async run({ source, directory, mapping, pairs, accepted, record, resultOf, note }) {
    const [before, after] = [join(directory.trial, 'before'), join(directory.trial, 'after')];
    rmSync(directory.trial, { recursive: true, force: true });
    mkdirSync(directory.trial, { recursive: true, mode: 0o700 });
    cpSync(directory.backup, before, { recursive: true, preserveTimestamps: true });
    await settleCatalogue(before);

    const integrity = await examineCatalogue(before, { scratchDirectory: directory.trial });
    if (!integrity.ok) throw corruptionError(integrity, { what: 'the backup of the databases', isStopped: false });
    for (const { file, warnings } of integrity.databases) for (const warning of warnings) note(`${basename(file)}${warning.table === null ? '' : `, ${warning.table}`}: ${warning.message}`);
    const ownSqlite = await source.checkWithOwnSqlite(join(databasesIn(before), libraryDatabase));
    if (ownSqlite !== null) requireSound(ownSqlite);

    const { friendlyName, hostName } = resultOf(inspect).source;
    const trial = await rewriteCatalogue({ from: before, into: after, mapping, friendlyName: friendlyName ?? hostName });
    const proof = await proveRewrite({ before, after, pairs, edits: trial.preferences.edits });
    if (!proof.ok) throw new PlexliftError('refused', `The rewrite, tried on the backup, differs from what the mapping predicts in ${proof.differenceCount} places`, { facts: proof.differences.slice(0, 20).map((difference) => JSON.stringify(difference)), remedy: 'Nothing was changed. This is a bug in plexlift: please report it with these lines' });

    const coverage = await coverCatalogue(before, mapping);
    const checks = await runChecks(coverageChecks, coverage, { step: 'examine', accepted, record });
    const counts = await libraryCounts(join(databasesIn(before), libraryDatabase));
    const notProven = integrity.databases.flatMap(({ file, notProven: parts }) => parts.map((part) => `${basename(file)}: ${part}`));
    return { counts, coverage, checks, notProven, ownSqlite };
  },
};

/** A known false report of Plex's own SQLite about its full-text index where source columns hold NULL; told, but no damage. */
const knownFalseReport = /^unable to validate the inverted index for FTS4 table (main\.)?fts4_(metadata|tag)_titles_icu: SQL logic error$/;

function requireSound(lines: readonly string[]): void {
  const damage = lines.filter((line) => line !== 'ok' && !knownFalseReport.test(line));
  if (damage.length === 0) return;
  throw new PlexliftError('refused', `Cannot go on: the source's own Plex SQLite finds "${libraryDatabase}" damaged`, {
    facts: damage.slice(0, 20),
    remedy: 'Plex on the source was not stopped by this and nothing was repaired. Repair the database there, then run the same command again',
  });
}
