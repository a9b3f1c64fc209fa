import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { PlexliftError } from '../../errors.ts';
import { fileDigests } from '../../catalogue/digests.ts';
import { databaseSchemas } from '../../catalogue/schemaMigrations.ts';
import { settleSound } from '../../catalogue/integrity/settleSound.ts';
import type { Snapshot } from '../../sources/source.ts';
import type { MigrationStep } from '../migration.ts';
import { requireSameSchema } from '../checks/schema.ts';
import { corruptionError } from '../corruption.ts';
import { examine } from './examine.ts';

/** The catalogue as taken, hashed on both sides, and its digests once its write-ahead logs were applied here. */
export type TakenCatalogue = { readonly snapshot: Snapshot; readonly settled: Readonly<Record<string, string>> };

/** Takes the final databases with their write-ahead logs, and Preferences.xml; applies the logs on a copy; examines that. */
export const takeCatalogue: MigrationStep<'source' | 'directory' | 'manifest' | 'rehearsal' | 'listingAhead', TakenCatalogue> = {
  name: 'take-catalogue',
  title: 'Take the final databases and Preferences.xml',
  touches: 'run directory',
  async run({ source, directory, manifest, rehearsal, listingAhead, signal, note, resultOf }) {
    const method = (await source.isRunning()) ? 'online' : 'files';
    // At rest for good: `copy-rest` needs it, and until then nobody would be walking the source.
    if (method === 'files' && !rehearsal) listingAhead.begin({ tree: source.tree, treeName: 'bulk', manifest: manifest(), signal });
    for (const place of [directory.taken, directory.settled]) {
      rmSync(place, { recursive: true, force: true });
      mkdirSync(place, { recursive: true, mode: 0o700 });
    }
    const snapshot = await source.takeCatalogue(directory.taken, { method, signal });
    cpSync(directory.taken, directory.settled, { recursive: true, preserveTimestamps: true });
    const report = await settleSound(directory.settled, { scratchDirectory: directory.scratch });
    if (!report.ok || snapshot.damaged.length > 0) throw corruptionError(report, { what: 'the final copy of the databases', isStopped: method === 'files' && source.kind !== 'directory', damaged: snapshot.damaged });
    requireSameSchema({ examined: resultOf(examine).schemas, taken: await databaseSchemas(directory.settled) }, source);
    for (const { file, warnings } of report.databases) for (const { message } of warnings.filter(({ table }) => table === null)) note(`${basename(file)}: ${message}`);
    return { snapshot, settled: Object.fromEntries(await fileDigests(directory.settled)) };
  },
  async stillHolds({ directory }, { snapshot, settled }) {
    const [taken, now] = await Promise.all([fileDigests(directory.taken), fileDigests(directory.settled)]);
    const isWhole = snapshot.files.every((file) => taken.get(file.path) === file.sha256) && Object.entries(settled).every(([path, sha256]) => now.get(path) === sha256);
    if (isWhole) return { status: 'pass', detail: `${snapshot.files.length} files unchanged` };
    return { status: 'fail', detail: 'the copy of the databases here changed', remedy: 'It is taken again' };
  },
};

/** Throws unless the source's catalogue is still exactly what was taken: the proof that nothing wrote to it since. */
export async function requireUnchangedSince(snapshot: Snapshot, source: { readonly name: string; fingerprintCatalogue(): Promise<Snapshot['files']> }): Promise<void> {
  const now = new Map((await source.fingerprintCatalogue()).map((file) => [file.path, file.sha256]));
  const changed = snapshot.files.filter((file) => now.get(file.path) !== file.sha256);
  if (changed.length === 0) return;
  throw new PlexliftError('failed', `Cannot publish: the databases on ${source.name} changed after they were taken`, {
    facts: changed.map((file) => file.path),
    remedy: 'Plex, or something else, wrote to them. Run "plexlift migrate --again stop-source": it stops Plex and takes them anew',
  });
}
