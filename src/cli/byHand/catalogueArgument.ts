import { closeSync, existsSync, openSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { databaseNames, databasesIn } from '../../catalogue/catalogueFiles.ts';
import { readHeader } from '../../catalogue/integrity/header.ts';
import { messageOf, PlexliftError } from '../../errors.ts';
import { databasesDirectory, isSidecar, libraryDatabase, preferencesFile } from '../../plex/dataDirectory.ts';

/** A word of the command line that names a database, or a directory laid out as Plex's data directory. */
export interface CatalogueArgument {
  readonly kind: 'file' | 'directory';
  readonly path: string;
}

/** Looks at what `word` names (relative to `currentDirectory`). Throws `refused` where it cannot be used, and says what could be. */
export function catalogueArgument(word: string, { currentDirectory }: { readonly currentDirectory: string }): CatalogueArgument {
  const path = resolve(currentDirectory, word);
  const found = lookAt(path);
  if (found.isDirectory()) {
    requireCatalogue(path);
    return { kind: 'directory', path: realpathSync(path) };
  }
  if (!found.isFile()) throw unusable(path, 'it is neither a file nor a directory', 'Name a database, or a directory laid out as "Plex Media Server" is');
  requireDatabase(path);
  return { kind: 'file', path: realpathSync(path) };
}

/** Throws `usage` unless both are of one kind, and two. */
export function requirePair(old: CatalogueArgument, made: CatalogueArgument): void {
  if (old.path === made.path) throw new PlexliftError('usage', `Cannot compare "${old.path}" with itself`, { remedy: 'Name what it was before the rewrite first, then what it is now' });
  if (old.kind === made.kind) return;
  const told = (argument: CatalogueArgument): string => `"${argument.path}" is a ${argument.kind === 'file' ? 'database' : 'directory'}`;
  throw new PlexliftError('usage', 'Cannot compare a database with a directory', { facts: [told(old), told(made)], remedy: 'Name two databases, or two directories' });
}

function lookAt(path: string): ReturnType<typeof statSync> & object {
  try {
    return statSync(path);
  } catch (cause) {
    throw unusable(path, reasonOf(cause), 'Check the name');
  }
}

/** Throws `refused` unless `path` can be read and begins as a database does. */
function requireDatabase(path: string): void {
  if (isSidecar(path)) throw unusable(path, 'it is what SQLite keeps beside a database', 'Name the database itself; what lies beside it is read with it');
  requireReadable(path);
  const { header, faults } = readHeader(path);
  if (header !== null && faults.length === 0) return;
  if (header !== null) throw unusable(path, faults.join('; '), 'It is damaged, or was copied while it was written to; take it again');
  const isSettings = path.endsWith('.xml');
  throw unusable(path, faults.join('; '), isSettings ? 'To compare settings too, name the two directories that hold Preferences.xml' : `Name a database, such as "${libraryDatabase}"`);
}

function requireCatalogue(path: string): void {
  if (!existsSync(databasesIn(path))) throw unusable(path, `it has no "${databasesDirectory}"`, insteadOf(path));
  if (!statSync(databasesIn(path)).isDirectory()) throw unusable(path, `its "${databasesDirectory}" is no directory`, 'Name a directory laid out as "Plex Media Server" is');
  try {
    readdirSync(databasesIn(path));
  } catch (cause) {
    throw unusable(databasesIn(path), reasonOf(cause), readIt);
  }
  if (existsSync(join(path, preferencesFile))) requireReadable(join(path, preferencesFile));
  const names = databaseNames(path);
  if (names.length === 0) throw unusable(path, `there is no database in its "${databasesDirectory}"`, 'Name a directory that holds a library');
  for (const name of names) {
    const file = join(databasesIn(path), name);
    if (!statSync(file, { throwIfNoEntry: false })?.isFile()) throw unusable(file, 'it is no file', 'Put the database there, or name the databases one by one');
    requireReadable(file);
    // An empty guide is nothing unusual; SQLite takes it for a database without tables.
    if (statSync(file).size > 0) requireDatabase(file);
  }
}

/** What the person may have meant. */
function insteadOf(path: string): string {
  const below = ['Plex Media Server', 'Library/Application Support/Plex Media Server', 'catalogue/settled', 'backup'].find((place) => existsSync(databasesIn(join(path, place))));
  if (below !== undefined) return `Perhaps you mean "${join(path, below)}"`;
  if (existsSync(join(path, libraryDatabase))) return `Name the directory two levels above it, or the database: "${join(path, libraryDatabase)}"`;
  return `Name a database, or the directory that holds "${databasesDirectory}" and "${preferencesFile}"`;
}

const readIt = 'Run the command as a user who may read it, or take a copy that you can read';

function requireReadable(path: string): void {
  try {
    closeSync(openSync(path, 'r'));
  } catch (cause) {
    throw unusable(path, reasonOf(cause), readIt);
  }
}

function reasonOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'there is no such file or directory';
  if (code === 'EACCES' || code === 'EPERM') return 'you may not read it';
  return messageOf(cause);
}

function unusable(path: string, reason: string, remedy: string): PlexliftError {
  return new PlexliftError('refused', `Cannot use "${path}": ${reason}`, { remedy });
}
