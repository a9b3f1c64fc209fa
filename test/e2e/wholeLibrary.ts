import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Stage } from './stage.ts';

/** Where Plex's data directory lies on the source machine, and on the volume. */
const onSource = 'var/lib/plexmediaserver/Library/Application Support/Plex Media Server';
const onVolume = 'Library/Application Support/Plex Media Server';

/** What does not belong to the library: it stays behind, or the server on the target writes its own. */
const ownOfEachServer = new Set(['plexmediaserver.pid', '.LocalAdminToken', 'Codecs', 'Drivers', 'Updates', 'Crash Reports', 'Diagnostics', 'Logs', 'tmp', 'Setup Plex.html', 'Cache/Transcode']);
/** Rewritten on the way, so compared by what is in it. */
const catalogue = new Set(['Preferences.xml', 'Plug-in Support/Databases']);

const plexUser = 1000;
/** Enough to see what is wrong. */
const shownDifferences = 20;
const identitySettings = ['MachineIdentifier', 'ProcessedMachineIdentifier', 'PlexOnlineToken'];

/** Compares the published library with the source's, entry by entry and row by row, with nothing of plexlift's own. Empty when it is whole. */
export function differencesFromSource(stage: Stage): readonly string[] {
  const source = join(stage.vm.root, onSource);
  const volume = join(stage.release.configHostPath, onVolume);
  const expected = treeOf(source);
  if (expected.size < 100) throw new Error(`There are only ${expected.size} entries on the source: this would prove nothing`);
  const all = [...differences(expected, treeOf(volume)), ...differentCatalogue(source, volume)];
  return all.length <= shownDifferences ? all : [...all.slice(0, shownDifferences), `and ${all.length - shownDifferences} more`];
}

interface Entry {
  readonly facts: string;
  readonly owner: string;
}

/** Every entry that belongs to the library: type, size, mode, time in seconds, link target, content. */
function treeOf(root: string): ReadonlyMap<string, Entry> {
  const found = new Map<string, Entry>();
  const walk = (directory: Buffer, prefix: Buffer): void => {
    for (const name of readdirSync(directory, { encoding: 'buffer' })) {
      const key = Buffer.concat([prefix, name]).toString('latin1');
      if (ownOfEachServer.has(key) || catalogue.has(key)) continue;
      const place = Buffer.concat([directory, slash, name]);
      const stat = lstatSync(place);
      found.set(key, { facts: factsOf(place, { stat, key }), owner: `${stat.uid}:${stat.gid}` });
      if (stat.isDirectory()) walk(place, Buffer.concat([prefix, name, slash]));
    }
  };
  walk(Buffer.from(root), Buffer.alloc(0));
  return found;
}

const slash = Buffer.from('/');

function factsOf(place: Buffer, { stat, key }: { readonly stat: Stats; readonly key: string }): string {
  const kind = (stat.mode & 0o170000).toString(8);
  const seconds = Math.floor(stat.mtimeMs / 1000);
  const mode = (stat.mode & 0o7777).toString(8);
  if (stat.isSymbolicLink()) return `${kind} ${seconds} ${readlinkSync(place)}`;
  // Where servers create or remove something there is a new time; how large a directory is, is the file system's business.
  if (stat.isDirectory()) return `${kind} ${mode} ${serversWriteIn(key) ? '' : seconds}`;
  return `${kind} ${mode} ${seconds} ${stat.size} ${createHash('sha256').update(readFileSync(place)).digest('hex')}`;
}

function serversWriteIn(key: string): boolean {
  return [...ownOfEachServer, ...catalogue].some((path) => path.startsWith(`${key}/`));
}

function differences(expected: ReadonlyMap<string, Entry>, actual: ReadonlyMap<string, Entry>): readonly string[] {
  const wrong: string[] = [];
  for (const [path, { facts }] of expected) {
    const now = actual.get(path);
    if (now === undefined) wrong.push(`missing: ${path}`);
    else if (now.facts !== facts) wrong.push(`differs: ${path}: ${facts} became ${now.facts}`);
    else if (now.owner !== `${plexUser}:${plexUser}`) wrong.push(`belongs to ${now.owner}: ${path}`);
  }
  for (const path of actual.keys()) if (!expected.has(path)) wrong.push(`came from nowhere: ${path}`);
  return wrong;
}

/** Rows that no running server changes by itself; paths as they are mapped. */
const comparedRows = [
  'SELECT id, library_section_id, metadata_type, guid, title FROM metadata_items ORDER BY id',
  'SELECT id, media_item_id, replace(replace(file, \'/mnt/nas-plex-optimized/\', \'/media/optimized/\'), \'/mnt/nas-plex/\', \'/media/library/\') AS file FROM media_parts ORDER BY id',
  'SELECT id, library_section_id, replace(replace(root_path, \'/mnt/nas-plex-optimized\', \'/media/optimized\'), \'/mnt/nas-plex\', \'/media/library\') AS root FROM section_locations ORDER BY id',
  'SELECT account_id, guid, view_offset, view_count FROM metadata_item_settings ORDER BY id',
  'SELECT id, name FROM accounts ORDER BY id',
];

function differentCatalogue(source: string, volume: string): readonly string[] {
  const [before, after] = [catalogueOf(source), catalogueOf(volume)];
  return [...before.keys()].filter((what) => after.get(what) !== before.get(what)).map((what) => `differs: ${what}`);
}

/** What the databases and Preferences.xml say, as text by what was asked. */
function catalogueOf(directory: string): ReadonlyMap<string, string> {
  const databases = join(directory, 'Plug-in Support/Databases');
  const preferences = readFileSync(join(directory, 'Preferences.xml'), 'utf8');
  const database = new DatabaseSync(join(databases, 'com.plexapp.plugins.library.db'), { readOnly: true });
  try {
    return new Map([
      ...comparedRows.map((query) => [query, JSON.stringify(database.prepare(query).all())] as const),
      ...identitySettings.map((name) => [name, new RegExp(`\\b${name}="([^"]+)"`).exec(preferences)?.[1] ?? 'none'] as const),
      ['databases', readdirSync(databases).filter((name) => name.endsWith('.db')).toSorted().join()],
    ]);
  } finally {
    database.close();
  }
}
