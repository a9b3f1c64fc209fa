import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { parseEntries } from '../../src/targets/gate/gateAnswers.ts';
import { bytesOf } from '../../src/transfer/entry.ts';
import type { Entry, Owner } from '../../src/transfer/entry.ts';
import type { Segment } from '../../src/transfer/segment.ts';

/** Every entry of a directory, files and links first, directories last and deepest first, as a source would send them. */
export function entriesOf(directory: string): readonly Entry[] {
  const found = spawnSync('find', ['.', '-mindepth', '1', '-printf', String.raw`%y\0%s\0%T@\0%C@\0%m\0%l\0%U:%G\0%P\0`], { cwd: directory, maxBuffer: 1 << 26 });
  const { entries } = parseEntries(found.stdout);
  return entries.toSorted((one, other) => rank(one) - rank(other) || (one.path < other.path ? rank(one) || -1 : -rank(one) || 1));
}

// A directory ranks behind; and there the comparison of paths is turned round.
function rank(entry: Entry): -1 | 0 | 1 {
  return entry.type === 'directory' ? 1 : 0;
}

/** The tar a source makes of these entries. */
export function tarOf(directory: string, segment: Segment): Readable {
  const list = Buffer.concat(segment.entries.map((entry) => Buffer.concat([bytesOf(entry.path), Buffer.of(0)])));
  const names = ['--null', '--no-recursion', '--verbatim-files-from', '--files-from=-'];
  const owner = ['--numeric-owner', `--owner=:${segment.owner.uid}`, `--group=:${segment.owner.gid}`];
  const tar = spawn('tar', ['--create', '--file=-', '--format=gnu', ...names, ...owner, '--hard-dereference', '--sort=none'], { cwd: directory, stdio: ['pipe', 'pipe', 'inherit'] });
  tar.stdin.end(list);
  return tar.stdout;
}

/** A segment of everything in a directory, or of what is chosen of it. */
export function segmentOf(directory: string, options: { readonly name: string; readonly owner: Owner; readonly only?: (entry: Entry) => boolean }): Segment {
  return { name: options.name, owner: options.owner, entries: entriesOf(directory).filter(options.only ?? (() => true)) };
}

/** A file with its directories, and a time and mode of its own. */
export function file(path: string | Buffer, content: string, options: { readonly mode?: number; readonly seconds?: number } = {}): void {
  mkdirSync(typeof path === 'string' ? dirname(path) : Buffer.from(dirname(path.toString('latin1')), 'latin1'), { recursive: true });
  writeFileSync(path, content);
  chmodSync(path, options.mode ?? 0o644);
  utimesSync(path, 1, options.seconds ?? 1_500_000_000);
}

/** A tree of names and kinds that have broken other tools. */
export function hostileTree(directory: string): void {
  const names = ['-rf', '--help', 'line\nbreak', '..hidden', '...', 'trailing ', ' leading', 'tab\tand\\backslash', '*?[a-z]', "quote'\"$(touch x)`", 'ünïcode', '@list', 'x'.repeat(255)];
  for (const name of names) file(`${directory}/Metadata/${name}/${name}`, `content of ${name}`);
  file(Buffer.concat([Buffer.from(`${directory}/Metadata/`), Buffer.of(0xff, 0xfe, 0x20, 0x80)]), 'no UTF-8');
  file(`${directory}/${Array.from({ length: 12 }, (_, depth) => `${depth}`.repeat(40)).join('/')}/deep`, 'a path beyond the header of tar');
  file(`${directory}/empty`, '');
  file(`${directory}/large`, 'large '.repeat(300_000));
  file(`${directory}/secret`, 'x', { mode: 0o400 });
  file(`${directory}/tool`, 'x', { mode: 0o755, seconds: 0 });
  symlinkSync('Metadata/ünïcode', `${directory}/link`);
  symlinkSync('/nowhere/at/all', `${directory}/dangling`);
  symlinkSync(`${'long/'.repeat(60)}target`, `${directory}/far`);
  mkdirSync(`${directory}/empty directory`);
  chmodSync(`${directory}/empty directory`, 0o2750);
  for (const entry of entriesOf(directory)) {
    if (entry.type === 'directory') utimesSync(Buffer.concat([Buffer.from(`${directory}/`), bytesOf(entry.path)]), 1, 1_400_000_000);
  }
}
