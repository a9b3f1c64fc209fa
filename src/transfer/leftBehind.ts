import { bytePathOfText, type BytePath } from './entry.ts';

/** Something in a data directory that does not move, and why; `path` is relative to the data directory, and stands for all below it. */
export interface LeftBehind {
  readonly path: BytePath;
  readonly reason: string;
}

/**
 * What is left behind. Anchored at the data directory: a "Logs" or "Codecs" deeper down belongs to someone else and moves.
 * `Cache` moves (a server could make it again, but only over days); the scratch of transcodes in it does not.
 */
export const leftBehind: readonly LeftBehind[] = [
  ['plexmediaserver.pid', 'Process id of the running server: process ids repeat in containers, and a stale one can keep the target from starting'],
  ['.LocalAdminToken', 'Secret of one server process, written anew at every start'],
  ['Cache/Transcode', 'Scratch space of transcodes in progress: worthless once the server has stopped'],
  ['Codecs', 'Decoders for the exact build and processor of the source: the target downloads its own on demand'],
  ['Drivers', 'Graphics drivers for the hardware of the source: the target downloads its own on demand'],
  ['Updates', 'Downloaded installers for the source: the version of the target is that of its image'],
  ['Crash Reports', 'Reports about processes of the source: they stay there for reference'],
  ['Diagnostics', 'Diagnostic bundles about the source: they stay there for reference'],
  ['Logs', 'Logs of the source: they stay there for reference'],
  ['tmp', 'Temporary files of the running server'],
  ['Setup Plex.html', 'Shortcut to the web address of the source: wrong for the target'],
].map(([path = '', reason = '']) => ({ path: bytePathOfText(path), reason }));

/** What belongs to the catalogue: rewritten on this machine and delivered apart from the bulk. Each stands for all below it. */
export const catalogueEntries: readonly BytePath[] = [bytePathOfText('Preferences.xml'), bytePathOfText('Plug-in Support/Databases')];

/** Where an entry of a data directory goes. */
export type Place = { readonly kind: 'bulk' } | { readonly kind: 'catalogue' } | { readonly kind: 'left behind'; readonly entry: BytePath; readonly reason: string };

const bulk: Place = { kind: 'bulk' };
const catalogue: Place = { kind: 'catalogue' };
const places: readonly { readonly root: BytePath; readonly place: Place }[] = [
  ...catalogueEntries.map((root) => ({ root, place: catalogue })),
  ...leftBehind.map(({ path, reason }) => ({ root: path, place: { kind: 'left behind', entry: path, reason } as const })),
];

/** The place of an entry, told by its path relative to the data directory. */
export function placeOf(path: BytePath): Place {
  return places.find(({ root }) => path === root || (path.startsWith(root) && path[root.length] === '/'))?.place ?? bulk;
}
