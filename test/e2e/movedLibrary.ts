import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import type { DatabaseContent } from './tableContent.ts';
import { readDatabase } from './tableContent.ts';

// What a move should do to a library, said once more and independently of the code that moves it.

/** The "Plex Media Server" directory below a support directory such as `/config/Library/Application Support`. */
export const dataDirectoryName = 'Library/Application Support/Plex Media Server';

/** Where the databases lie in it. */
export const databasesName = 'Plug-in Support/Databases';

/** The main database. */
export const libraryFile = 'com.plexapp.plugins.library.db';

/** The directories of the media on the source, and on the target. */
const directories: readonly (readonly [string, string])[] = [
  ['/mnt/nas-plex', '/media/library'],
  ['/mnt/nas-plex-optimized', '/media/optimized'],
];

/** The columns in which Plex keeps absolute paths, and what stands before the path. */
export const pathColumns: readonly { readonly table: string; readonly column: string; readonly lead: '' | 'file://' }[] = [
  { table: 'section_locations', column: 'root_path', lead: '' },
  { table: 'media_parts', column: 'file', lead: '' },
  { table: 'media_streams', column: 'url', lead: 'file://' },
];

/** A path of the source as the target has it; whole segments only, anything else stays. */
export function movedPath(path: string): string {
  const [from, to] = directories.find(([directory]) => path === directory || path.startsWith(`${directory}/`)) ?? ['', ''];
  return to + path.slice(from.length);
}

/** A cell of the source as the target should have it. */
export function movedCell(cell: string, { table, column }: { readonly table: string; readonly column: string }): string {
  const rule = pathColumns.find((candidate) => candidate.table === table && candidate.column === column);
  if (rule === undefined || !cell.startsWith('t')) return cell;
  // As single bytes: names need not be UTF-8.
  const text = Buffer.from(cell.slice(1), 'hex').toString('latin1');
  if (!text.startsWith(rule.lead)) return cell;
  const moved = rule.lead + movedPath(text.slice(rule.lead.length));
  return `t${Buffer.from(moved, 'latin1').toString('hex').toUpperCase()}`;
}

/** Tables a server writes by itself while it runs, none of them a user's. */
export function isServersOwn(table: string): boolean {
  return ['activities', 'devices', 'preferences', 'play_queues', 'schema_migrations', 'sqlite_sequence'].includes(table) || table.startsWith('statistics_');
}

/** Columns a server that only runs and scans writes in tables that are a user's. */
export const serversOwnColumns: ReadonlySet<string> = new Set(['library_sections.scanned_at', 'section_locations.scanned_at', 'metadata_item_settings.changed_at']);

/** Tables of everything a person would miss; all of them hold rows in the library that is moved. */
export const userTables = {
  libraries: ['library_sections', 'section_locations', 'directories', 'metadata_items', 'media_items', 'media_parts', 'media_streams'],
  users: ['accounts'],
  'watch state, ratings and On Deck offsets': ['metadata_item_settings', 'metadata_item_setting_markers'],
  history: ['metadata_item_views'],
  playlists: ['play_queue_generators', 'metadata_item_accounts'],
  'collections, labels and posters': ['tags', 'taggings'],
  'chosen tracks': ['media_part_settings', 'media_stream_settings'],
} as const;

/** Copies the databases of a server that does not run, logs included, so that reading them changes nothing there; gives back where they are. */
export function copyOfDatabases(dataDirectory: string, into: string): string {
  const from = join(dataDirectory, databasesName);
  mkdirSync(into, { recursive: true });
  for (const name of readdirSync(from)) copyFileSync(join(from, name), join(into, name));
  return into;
}

/** The library of a server that runs, through SQLite's backup: the file alone would lack what is in the log. */
export async function readRunningLibrary(dataDirectory: string, scratch: string): Promise<DatabaseContent> {
  const live = new DatabaseSync(join(dataDirectory, databasesName, libraryFile), { readOnly: true });
  const copy = join(scratch, `running-${process.hrtime.bigint()}.db`);
  try {
    await backup(live, copy);
  } finally {
    live.close();
  }
  return readDatabase(copy);
}

/** The one landing area of a volume: the data directory that waits there to be published. */
export function landingArea(volume: string): string {
  const runs = readdirSync(join(volume, '.plexlift')).map((name) => join(volume, '.plexlift', name, dataDirectoryName)).filter((directory) => existsSync(directory));
  const [landing] = runs;
  if (landing === undefined || runs.length > 1) throw new Error(`Cannot find the landing area: ${runs.length} are on the volume`);
  return landing;
}

/** The settings of a Preferences.xml, each as written there, entities and all. */
export function settingsAsWritten(dataDirectory: string): ReadonlyMap<string, string> {
  const text = readFileSync(join(dataDirectory, 'Preferences.xml'), 'utf8');
  return new Map([...text.matchAll(/\s([A-Za-z_][\w.-]*)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]));
}

/** Settings held for the first start, with what holds each. */
export const heldSettings: ReadonlyMap<string, string> = new Map([
  ['autoEmptyTrash', '0'],
  ['FSEventLibraryUpdatesEnabled', '0'],
  ['FSEventLibraryPartialScanEnabled', '0'],
  ['ScheduledLibraryUpdatesEnabled', '0'],
  ['ButlerTaskRefreshLibraries', '0'],
  ['ButlerTaskCleanOldBundles', '0'],
  ['BackgroundQueueIdlePaused', '1'],
  ['allowMediaDeletion', '0'],
]);

/** Settings that make the server this server. */
export const identitySettings: readonly string[] = ['MachineIdentifier', 'ProcessedMachineIdentifier', 'AnonymousMachineIdentifier', 'PlexOnlineToken', 'PlexOnlineUsername', 'PlexOnlineMail', 'PlexOnlineHome', 'CertificateUUID', 'CertificateVersion'];

/** Settings bound to the old machine, which do not come along. */
export const clearedSettings: readonly string[] = ['TranscoderTempDirectory', 'DownloadsTempDirectory', 'HardwareDevicePath', 'VaapiDriver', 'PreferredNetworkInterface', 'LastAutomaticMappedPort'];

/** Settings that hold paths of media. */
export const movedSettings: readonly string[] = ['CinemaTrailersPrerollID', 'GlobalMusicVideoPath'];
