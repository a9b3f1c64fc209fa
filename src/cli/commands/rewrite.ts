import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { copyInto } from '../../catalogue/catalogueFiles.ts';
import { rewriteCatalogue, rewriteDatabase, type CatalogueRewrite, type DatabaseRewrite } from '../../catalogue/rewrite/rewrite.ts';
import { stageCatalogue, stageDatabase } from '../../catalogue/stage.ts';
import { exitCodes, messageOf, PlexliftError } from '../../errors.ts';
import { preferencesFile } from '../../plex/dataDirectory.ts';
import type { PreferencePlan } from '../../plex/preferencePlan.ts';
import { catalogueArgument, type CatalogueArgument } from '../byHand/catalogueArgument.ts';
import type { CommandSpec } from '../command.ts';
import { proveByHand, type HandProof } from '../byHand/handProof.ts';
import { givenMapping, mappingOptions, type GivenMapping } from '../byHand/mappingOptions.ts';
import { proofText } from '../byHand/proofText.ts';
import { rewriteText } from '../byHand/rewriteText.ts';
import { withScratch } from '../byHand/scratch.ts';

const remedy = 'NEW was not made, and OLD is as it was. This is a bug in plexlift: please report it with these lines';

/** Makes a rewritten copy of a database, or of a whole catalogue, and lets it stand only when it is proven. */
export const rewrite: CommandSpec = {
  usage: 'rewrite <old> <new>',
  summary: 'make NEW, a copy of OLD with the paths rewritten, and prove it; a database or a data directory; OLD is not changed',
  options: mappingOptions,
  async run({ options, terminal, positional }) {
    const given = givenMapping({ options, terminal });
    const old = catalogueArgument(positional[0] ?? '', terminal);
    const made: CatalogueArgument = { kind: old.kind, path: resolve(terminal.currentDirectory, positional[1] ?? '') };
    requireFree(made, old);
    if (terminal.interactive) terminal.stderr.write('Rewriting a copy, and proving it; this may take a minute for a large library\n');
    const { proof, done } = await withScratch((scratch) => makeProven({ old, made, given, signal: terminal.signal }, scratch));
    for (const warning of proof.warnings) terminal.stderr.write(`note: ${warning}\n`);
    terminal.stdout.write(rewriteText(done) + proofText(proof, { sides: { old, made }, given, remedy }));
    if (proof.ok) terminal.stderr.write('Next: stop the server that is to get NEW, set aside what it has there (never copy over it), copy NEW, and give it to the user that Plex runs as; docs/restore-a-backup.md has the commands\n');
    return proof.ok ? exitCodes.done : exitCodes.difference;
  },
};

function requireFree(made: CatalogueArgument, old: CatalogueArgument): void {
  const refuse = (reason: string, what: string): PlexliftError => new PlexliftError('refused', `Cannot make "${made.path}": ${reason}`, { remedy: what });
  const another = 'Name another; nothing is ever written over what is there';
  if (lstatSync(made.path, { throwIfNoEntry: false }) !== undefined) throw refuse('it is there already', another);
  const beside = ['-wal', '-shm', '-journal'].find((suffix) => old.kind === 'file' && existsSync(made.path + suffix));
  if (beside !== undefined) throw refuse(`"${basename(made.path)}${beside}" lies there, and SQLite would take it for a part of it`, another);
  if (statSync(dirname(made.path), { throwIfNoEntry: false })?.isDirectory() !== true) throw refuse(`there is no directory "${dirname(made.path)}"`, 'Make it, or name another');
  if (old.kind === 'directory' && !relative(old.path, made.path).startsWith('..')) throw refuse('it would lie inside OLD, which is not changed', 'Name one outside of it');
  if (old.kind === 'directory' && !existsSync(join(old.path, preferencesFile))) {
    throw new PlexliftError('refused', `Cannot rewrite "${old.path}": it has no "${preferencesFile}"`, { remedy: 'Add it, since settings hold paths too; or rewrite the databases one by one' });
  }
}

/** What was done to the databases, and to the settings where a directory was rewritten. */
export interface RewriteDone {
  readonly databases: readonly DatabaseRewrite[];
  readonly preferences: PreferencePlan | null;
}

interface Making {
  readonly old: CatalogueArgument;
  readonly made: CatalogueArgument;
  readonly given: GivenMapping;
  readonly signal: AbortSignal;
}

/** Works under another name beside NEW, which gets its name only when it is proven: what is not proven must not be used. */
async function makeProven(making: Making, scratch: string): Promise<{ readonly proof: HandProof; readonly done: RewriteDone }> {
  let unproven: string | null = null;
  try {
    unproven = mkdtempSync(join(dirname(making.made.path), '.plexlift-unproven-'));
    // Under the name of OLD, so that what is said against it names that.
    const copy = join(unproven, basename(making.old.path));
    const outcome = making.old.kind === 'file' ? await rewriteFile(making, { scratch, copy }) : await rewriteDirectory(making, { scratch, copy });
    if (outcome.proof.ok) renameSync(copy, making.made.path);
    return outcome;
  } catch (thrown) {
    if (!(thrown instanceof Error && 'syscall' in thrown) && !(thrown instanceof PlexliftError && thrown.kind === 'failed')) throw thrown;
    throw new PlexliftError('failed', `Cannot make "${making.made.path}": ${messageOf(thrown)}`, {
      remedy: `Nothing was left there. See that OLD is undamaged, and that there is room for it in "${dirname(making.made.path)}" and in "${tmpdir()}"; then run the same command again`,
      cause: thrown,
    });
  } finally {
    if (unproven !== null) rmSync(unproven, { recursive: true, force: true });
  }
}

interface Places {
  readonly scratch: string;
  readonly copy: string;
}

async function rewriteFile({ old, given, signal }: Making, { scratch, copy }: Places): Promise<{ readonly proof: HandProof; readonly done: RewriteDone }> {
  const staged = await stageDatabase(old.path, { directory: scratch });
  copyInto(staged.file, copy);
  // A copy of a file that may not be written to is no more writable than that.
  chmodSync(copy, statSync(copy).mode | 0o600);
  const database = await rewriteDatabase(copy, given);
  if (database.columns.length === 0) {
    throw new PlexliftError('refused', `Cannot rewrite "${old.path}": it has none of the tables that hold media paths`, { remedy: 'Name the library, com.plexapp.plugins.library.db; other databases of Plex hold no media paths' });
  }
  const proof = await proveByHand({ old: { kind: 'file', path: staged.file }, made: { kind: 'file', path: copy } }, { ...given, signal });
  staged.requireUnchanged();
  return { proof: { ...proof, warnings: staged.warnings }, done: { databases: [database], preferences: null } };
}

async function rewriteDirectory({ old, given, signal }: Making, { scratch, copy }: Places): Promise<{ readonly proof: HandProof; readonly done: RewriteDone }> {
  const staged = await stageCatalogue(old.path, { directory: scratch, preferences: join(old.path, preferencesFile) });
  mkdirSync(copy, { mode: 0o700 });
  const done: CatalogueRewrite = await rewriteCatalogue({ from: staged.directory, into: copy, friendlyName: null, ...given });
  chmodSync(join(copy, preferencesFile), 0o600);
  const proof = await proveByHand({ old: { kind: 'directory', path: staged.directory }, made: { kind: 'directory', path: copy } }, { ...given, signal, edits: done.preferences.edits });
  for (const { requireUnchanged } of staged.databases) requireUnchanged();
  return { proof: { ...proof, warnings: staged.databases.flatMap(({ warnings }) => warnings) }, done };
}
