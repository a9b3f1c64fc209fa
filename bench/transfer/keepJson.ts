import { renameSync, writeFileSync } from 'node:fs';

/** Writes figures to a file, whole or not at all, so that what was measured survives a bench that is cut off; null for nowhere. */
export function keepJson(file: string | null, figures: readonly object[]): void {
  if (file === null) return;
  writeFileSync(`${file}.unfinished`, `${JSON.stringify(figures, null, 2)}\n`);
  renameSync(`${file}.unfinished`, file);
}
