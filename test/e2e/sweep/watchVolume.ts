import { createHash } from 'node:crypto';
import { globSync, lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { statusOf } from '../interruption.ts';
import { phaseOf } from '../plexStarts.ts';
import type { Stage } from '../stage.ts';
import { inodeOfLibrary } from './instants.ts';

/** What was seen on a volume from the beginning of a case on. */
export interface WatchedVolume {
  readonly formerInode: number;
  /** Ends the watching and gives back every moment at which something stood where the library is that must not, in words. */
  wrongs(): Promise<readonly string[]>;
  /** The former library as it was when Plex was first held back; null where it never came to that. */
  formerAtRest(): string | null;
  /** The same once it had its name back after a rollback, before its server started; null where it never came to that. */
  formerBack(): string | null;
}

const pollMs = 15;

/** Watches what stands at `Library`: the former one whole, the new one whole, or nothing while the renames are under way. */
export function watchVolume(stage: Stage): WatchedVolume {
  const root = stage.release.configHostPath;
  const former = inodeOfLibrary(root);
  if (former === null) throw new Error('There is no library on the volume to begin with: this would prove nothing');
  const ending = new AbortController();
  const landed = new Set<number>();
  const wrong = new Set<string>();
  let atRest: string | null = null;
  let back: string | null = null;

  function look(): void {
    const before = phaseOf(root);
    for (const landing of globSync(join(root, '.plexlift/*/Library'))) {
      const inode = statSync(landing, { throwIfNoEntry: false })?.ino;
      if (inode !== undefined) landed.add(inode);
    }
    const now = inodeOfLibrary(root);
    const phases = `${before}, then ${phaseOf(root)}`;
    if (now === null) {
      if (!/publishing|withdrawing/.test(phases)) wrong.add(`no library, at phase ${phases}`);
    } else if (now !== former && !landed.has(now)) wrong.add(`a library that nobody brought, at phase ${phases}`);
    else if (now !== former && statusOf(stage, 'prove-landing') !== 'finished' && !/withdraw/.test(phases)) wrong.add(`the new library before it was proven, at phase ${phases}`);
    if (atRest === null && before === 'landing' && now === former) atRest = digestOfLibrary(join(root, 'Library'));
    if (back === null && before === 'withdrawn' && now === former) back = digestOfLibrary(join(root, 'Library'));
  }

  const watching = (async () => {
    while (!ending.signal.aborted) {
      look();
      await delay(pollMs);
    }
  })();

  return {
    formerInode: former,
    async wrongs() {
      ending.abort();
      await watching;
      return [...wrong];
    },
    formerAtRest: () => atRest,
    formerBack: () => back,
  };
}

/** What a server writes whenever it starts or stops. */
const serversOwn = /(?:^|\/)(?:Logs|Cache)(?:\/|$)|Preferences\.xml$|\.LocalAdminToken$|plexmediaserver\.pid$|com\.plexapp\.plugins\.library(?:\.blobs)?\.db(?:-wal|-shm)?$/;

/** One digest over every entry of a library: name, kind, mode, owner, bytes or link target; on wish without what a server writes by itself. */
export function digestOfLibrary(directory: string, { exceptServersOwn = false }: { readonly exceptServersOwn?: boolean } = {}): string {
  const lines: string[] = [];
  const walk = (place: string): void => {
    for (const name of readdirSync(place).toSorted()) {
      const path = join(place, name);
      const key = relative(directory, path);
      if (exceptServersOwn && serversOwn.test(key)) continue;
      const stat = lstatSync(path);
      const content = stat.isSymbolicLink() ? readlinkSync(path) : stat.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : '';
      lines.push(`${key}\0${stat.mode}\0${stat.uid}:${stat.gid}\0${content}`);
      if (stat.isDirectory()) walk(path);
    }
  };
  walk(directory);
  if (lines.length < 20) throw new Error(`There are only ${lines.length} entries in "${directory}": this would prove nothing`);
  return createHash('sha256').update(lines.join('\n')).digest('hex');
}
