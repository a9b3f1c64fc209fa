import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileDigests } from '../../catalogue/digests.ts';
import type { CatalogueRewrite } from '../../catalogue/rewrite/rewrite.ts';
import { rewriteCatalogue } from '../../catalogue/rewrite/rewrite.ts';
import type { MigrationStep } from '../migration.ts';
import { inspect } from './inspect.ts';
import { takeCatalogue } from './takeCatalogue.ts';

/** What the rewrite changed, and the digest of every file it left. */
export type Rewritten = { readonly report: CatalogueRewrite; readonly files: Readonly<Record<string, string>> };

/** Rewrites media paths and preferences, on a copy of what was taken. */
export const rewrite: MigrationStep<'directory' | 'mapping' | 'fileGuids', Rewritten> = {
  name: 'rewrite',
  title: 'Rewrite media paths and preferences',
  touches: 'run directory',
  async run({ directory, mapping, fileGuids, resultOf, progress }) {
    // Only after the databases were taken: what is rewritten must be what the record says was taken.
    resultOf(takeCatalogue);
    mkdirSync(dirname(directory.rewritten), { recursive: true, mode: 0o700 });
    const { friendlyName, hostName } = resultOf(inspect).source;
    const report = await rewriteCatalogue({
      from: directory.settled,
      into: directory.rewritten,
      mapping,
      fileGuids,
      friendlyName: friendlyName ?? hostName,
      onRows: (rows) => progress({ what: 'rewriting', done: rows, unit: 'rows' }),
    });
    return { report, files: Object.fromEntries(await fileDigests(directory.rewritten)) };
  },
  async stillHolds({ directory }, { files }) {
    const now = await fileDigests(directory.rewritten);
    const changed = Object.entries(files).filter(([path, sha256]) => now.get(path) !== sha256);
    if (changed.length === 0) return { status: 'pass', detail: `${Object.keys(files).length} files unchanged` };
    return { status: 'fail', detail: `the rewritten copy changed: ${changed.map(([path]) => path).join(', ')}`, remedy: 'It is made again' };
  },
};
