import { examineCatalogue, examineDatabase } from './integrity.ts';
import type { CatalogueIntegrity, ExamineOptions, IntegrityReport } from './integrity.ts';
import { settleCatalogue } from './settle.ts';

/** Examines a catalogue with the logs beside its databases; takes the logs in only where everything is sound, and examines once more what they went into. */
export async function settleSound(directory: string, options: ExamineOptions = {}): Promise<CatalogueIntegrity> {
  const before = await examineCatalogue(directory, options);
  if (!before.ok) return before;
  const changed = new Set((await settleCatalogue(directory)).filter(({ logBytes }) => logBytes > 0).map(({ file }) => file));
  const databases: IntegrityReport[] = [];
  for (const report of before.databases) databases.push(changed.has(report.file) ? afterwards(await examineDatabase(report.file, options), report) : report);
  return { ...before, ok: databases.every(({ file, ok }) => ok || !changed.has(file)), databases };
}

// What the log gave reason to warn of is gone with it, and still worth knowing.
function afterwards(after: IntegrityReport, { warnings }: IntegrityReport): IntegrityReport {
  const isNew = ({ table, message }: IntegrityReport['warnings'][number]): boolean => !warnings.some((warning) => warning.table === table && warning.message === message);
  return { ...after, warnings: [...warnings, ...after.warnings.filter(isNew)] };
}
