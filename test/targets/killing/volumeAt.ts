import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { file } from '../landingTree.ts';

/** The run of every volume that is made here. */
export const run = 'r1';

/** Libraries of earlier runs, which no verb may touch. */
export const bystanders: readonly string[] = ['Library.set-aside-r0', 'Library.withdrawn-r0'];

/** How far a volume is. */
export interface VolumePoint {
  readonly phase?: string;
  /** Whose state it is, where not of the usual run. */
  readonly of?: string;
  readonly agreement?: string;
  readonly held?: string;
  readonly withdrawn?: string;
  /** Which library lies under which name: all that is in it carries the mark. */
  readonly libraries?: Readonly<Record<string, string>>;
  /** Whether the share that the sentinels are on can be seen. Default: yes. */
  readonly isShareAway?: boolean;
}

/** Where the landing area of the usual run lies. */
export const landingPlace = `.plexlift/${run}/Library`;
/** Where a library that was set aside, or withdrawn, goes. */
export const asidePlace = `Library.set-aside-${run}`;
export const withdrawnPlace = `Library.withdrawn-${run}`;

/** A name below `.plexlift`, whose directory is there then. */
export function workFile(root: string, name: string): string {
  const path = join(root, '.plexlift', name);
  mkdirSync(dirname(path), { recursive: true });
  chmodSync(join(root, '.plexlift'), 0o711);
  return path;
}

/** Fills an empty directory with a volume at some point. */
export function volumeAt(root: string, point: VolumePoint): void {
  for (const place of bystanders) makeLibrary(join(root, place), 'bystander');
  for (const [place, mark] of Object.entries(point.libraries ?? {})) makeLibrary(join(root, place), mark);
  const { phase } = point;
  if (phase === undefined) return;
  const lines = ['protocol 1', `phase ${phase}`, `run ${point.of ?? run}`, `agreement ${point.agreement ?? 'none'}`, `held ${point.held ?? 'no'}`, `withdrawn ${point.withdrawn ?? '-'}`, 'end', ''];
  writeFileSync(workFile(root, 'state'), lines.join('\n'));
  writeFileSync(workFile(root, `${run}/receipts/s0.list`), 'Preferences.xml\0');
  const media = join(root, 'media');
  if (point.isShareAway !== true) file(join(media, 'film'), 'film');
  writeFileSync(workFile(root, 'sentinels'), `5\n${media}\n${media}/gone\n4\n${media}\n${media}/film\n`);
}

/** A library whose every file carries a mark. */
export function makeLibrary(place: string, mark: string): void {
  const data = join(place, 'Application Support/Plex Media Server');
  for (const path of ['Preferences.xml', 'Databases/library.db']) file(join(data, path), `${mark} ${path}`);
}
