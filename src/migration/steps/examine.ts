import { cpSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { databaseNames, databasesIn } from '../../catalogue/catalogueFiles.ts';
import type { Coverage } from '../../catalogue/coverage.ts';
import { coverCatalogue } from '../../catalogue/coverage.ts';
import type { LibraryCounts } from '../../catalogue/libraryCounts.ts';
import { libraryCounts } from '../../catalogue/libraryCounts.ts';
import { proveRewrite } from '../../catalogue/proof/proof.ts';
import { rewriteCatalogue } from '../../catalogue/rewrite/rewrite.ts';
import { databaseSchemas, type DatabaseSchema } from '../../catalogue/schemaMigrations.ts';
import { settleSound } from '../../catalogue/integrity/settleSound.ts';
import { PlexliftError } from '../../errors.ts';
import { isDatedBackup, libraryDatabase } from '../../plex/dataDirectory.ts';
import type { OwnSqliteFinding } from '../../plex/ownSqliteFindings.ts';
import { firstLines, judgeOwnSqlite, namesDamage } from '../../plex/ownSqliteFindings.ts';
import type { CheckOutcome } from '../../runner/check.ts';
import type { Source } from '../../sources/source.ts';
import { coverageChecks } from '../checks/coverage.ts';
import { schemaChecks, schemaContext } from '../checks/schema.ts';
import { corruptionError, damageError } from '../corruption.ts';
import type { MigrationStep } from '../migration.ts';
import type { StepTools } from '../../runner/step.ts';
import { runChecks } from '../runChecks.ts';
import { backUp } from './backUp.ts';
import { inspect } from './inspect.ts';

/** What the backup showed, and what the rewrite would do to it. */
export type Examined = {
  readonly counts: LibraryCounts;
  readonly coverage: Coverage;
  /** Migrations of each database, and what it wants of a server that opens it. */
  readonly schemas: readonly DatabaseSchema[];
  readonly checks: readonly CheckOutcome[];
  readonly notProven: readonly string[];
  /** What the source's own Plex SQLite said of each database; null where it was not there to ask. */
  readonly ownSqlite: readonly OwnSqliteFinding[] | null;
};

/** Integrity of the backup; damage stops the run here, with the source still running. Then the rewrite is tried on it and proven. */
export const examine: MigrationStep<'source' | 'directory' | 'mapping' | 'pairs' | 'fileGuids' | 'accepted' | 'record', Examined> = {
  name: 'examine',
  title: 'Examine the backup and try the rewrite on it',
  touches: 'run directory',
  judges: backUp.name,
  async run({ source, directory, mapping, pairs, fileGuids, accepted, record, resultOf, note, progress }) {
    const [before, after] = [join(directory.trial, 'before'), join(directory.trial, 'after')];
    rmSync(directory.trial, { recursive: true, force: true });
    mkdirSync(directory.trial, { recursive: true, mode: 0o700 });
    cpSync(directory.backup, before, { recursive: true, preserveTimestamps: true });

    const integrity = await settleSound(before, { scratchDirectory: directory.scratch });
    if (!integrity.ok) throw corruptionError(integrity, { what: 'the backup of the databases', isStopped: false });
    for (const { file, messages, warnings } of integrity.databases) {
      for (const warning of warnings) note(`${basename(file)}${warning.table === null ? '' : `, ${warning.table}`}: ${warning.message}`);
      // The library goes on without it; but whoever wants to put it back one day should know.
      if (messages[0] !== undefined && isDatedBackup(basename(file))) note(`${basename(file)}, a dated backup, is damaged and is moved as it is: ${messages[0].message}`);
    }
    const ownSqlite = await askOwnSqlite({ source, before, progress });
    for (const { file, verdict, lines } of ownSqlite ?? []) if (verdict === 'false report') note(`${file}: the source's own Plex SQLite says what it is known to say of sound libraries: ${lines.join('; ')}`);

    const { friendlyName, hostName } = resultOf(inspect).source;
    const trial = await rewriteCatalogue({ from: before, into: after, mapping, fileGuids, friendlyName: friendlyName ?? hostName });
    const proof = await proveRewrite({ before, after, pairs, fileGuids, edits: trial.preferences.edits });
    if (!proof.ok) throw new PlexliftError('refused', `The rewrite, tried on the backup, differs from what the mapping predicts in ${proof.differenceCount} places`, { facts: proof.differences.slice(0, 20).map((difference) => JSON.stringify(difference)), remedy: 'Nothing was changed. This is a bug in plexlift: please report it with these lines' });
    // It has shown what it could, and is as large as the databases.
    rmSync(after, { recursive: true });

    const coverage = await coverCatalogue(before, { mapping, fileGuids });
    const schemas = await databaseSchemas(before);
    const opening = schemaContext(resultOf(inspect), schemas);
    const ofCoverage = coverageChecks.map((check) => ({ ...check, run: async () => check.run(coverage) }));
    const ofSchemas = schemaChecks.map((check) => ({ ...check, run: async () => check.run(opening) }));
    const checks = await runChecks([...ofCoverage, ...ofSchemas], undefined, { step: 'examine', accepted, record });
    const counts = await libraryCounts(join(databasesIn(before), libraryDatabase));
    const notProven = integrity.databases.flatMap(({ file, notProven: parts }) => parts.map((part) => `${basename(file)}: ${part}`));
    return { counts, coverage, schemas, checks, notProven, ownSqlite };
  },
};

/** Lets the source's own Plex SQLite examine every database; null where it has none. Throws `refused` where it finds damage. */
async function askOwnSqlite({ source, before, progress }: { readonly source: Pick<Source, 'name' | 'checkWithOwnSqlite'>; readonly before: string; readonly progress: StepTools['progress'] }): Promise<readonly OwnSqliteFinding[] | null> {
  // Of an empty file, which only a guide may be, there is nothing to say.
  const names = databaseNames(before).filter((name) => statSync(join(databasesIn(before), name)).size > 0);
  const findings: OwnSqliteFinding[] = [];
  for (const [done, file] of names.entries()) {
    progress({ what: "examining with the source's own Plex SQLite", done, total: names.length, unit: 'files' });
    const lines = await linesOf(source, join(databasesIn(before), file));
    if (lines === null) return null;
    findings.push({ file, verdict: judgeOwnSqlite(lines), lines: firstLines(lines) });
  }
  const unsound = findings.filter(({ verdict }) => verdict === 'damage' || verdict === 'no verdict');
  if (unsound.length === 0) return findings;
  throw damageError({
    message: `Plex's own SQLite on ${source.name} finds damage that no other SQLite can see`,
    facts: unsound.flatMap(({ file, lines }) => (lines.length === 0 ? [`${file}: it said nothing, not even "ok"`] : lines.map((line) => `${file}: ${line}`))),
    isStopped: false,
  });
}

async function linesOf(source: Pick<Source, 'checkWithOwnSqlite'>, file: string): Promise<readonly string[] | null> {
  try {
    return await source.checkWithOwnSqlite(file);
  } catch (thrown) {
    // A program that ends because of damage has found it.
    if (thrown instanceof PlexliftError && namesDamage(thrown.facts)) return thrown.facts.filter((line) => line !== '');
    throw thrown;
  }
}
