import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataPath } from '../gateVolume.ts';
import { file } from '../landingTree.ts';
import { inputOfFetch, inputOfReceive } from './segmentInput.ts';
import { asidePlace, landingPlace, run, withdrawnPlace, workFile } from './volumeAt.ts';
import type { VolumePoint } from './volumeAt.ts';

/** A verb, or the gate's own start, on a volume that has come to a certain point. */
export interface KilledVerb {
  readonly name: string;
  readonly verb: readonly string[];
  readonly at: VolumePoint;
  /** What else there is on the volume. */
  readonly more?: (root: string) => void;
  /** Standard input in its parts, whose lengths follow the verb. */
  readonly input?: readonly string[] | (() => Promise<readonly Buffer[]>);
  /** Whether the last part follows without its length. */
  readonly endsInTar?: boolean;
  /** Whether the owner follows the lengths, for a receipt at the end. */
  readonly tellsOwner?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
  /** A process that is in the way; it says when it is. */
  readonly beside?: (root: string) => ChildProcess;
  /** The landing area comes, or goes. */
  readonly changesLanding?: boolean;
  /** The preferences of the library are replaced. */
  readonly changesPreferences?: boolean;
}

const landing = { [landingPlace]: 'new' };
const old = { Library: 'old' };
const aside = { [asidePlace]: 'old' };
const published = { Library: 'new' };
const withdrawn = { [withdrawnPlace]: 'new' };

function verb(name: string, words: readonly string[], at: VolumePoint): KilledVerb {
  return { name: `${words[0] ?? ''}: ${name}`, verb: words, at };
}

function open(name: string, at: VolumePoint): KilledVerb {
  return verb(name, ['open', run], at);
}

function publish(name: string, at: VolumePoint): KilledVerb {
  return verb(name, ['publish', run, 'set-aside'], at);
}

function withdraw(name: string, at: VolumePoint): KilledVerb {
  return verb(name, ['withdraw', run], at);
}

function gate(name: string, at: VolumePoint): KilledVerb {
  return verb(name, ['gate'], at);
}

/** Every verb that changes something on the volume, from every phase in which it does; and the gate itself in every phase. */
export const killedVerbs: readonly KilledVerb[] = [
  open('on an empty volume', {}),
  open('beside a library, after another run', { phase: 'finished', of: 'r0', libraries: old }),
  open('after a withdrawal', { phase: 'withdrawn', agreement: 'set-aside', withdrawn: withdrawnPlace, libraries: { ...old, ...withdrawn } }),
  open('of a run that is published', { phase: 'published', libraries: published }),
  { ...open('again, with a receiver that hangs', { phase: 'landing', libraries: { ...old, ...landing } }), beside: hungReceiver },
  { ...verb('over what is in the way', ['receive', 's1'], { phase: 'landing', libraries: old }), more: inTheWay, input: inputOfReceive, endsInTar: true, tellsOwner: true, changesLanding: true },
  { ...verb('beside a receiver that hangs', ['receive', 's1'], { phase: 'landing', libraries: old }), more: inTheWay, beside: hungReceiver, input: inputOfReceive, endsInTar: true, changesLanding: true },
  { ...verb('from an offer', ['fetch', 's1'], { phase: 'landing', libraries: old }), more: inTheWay, input: inputOfFetch, tellsOwner: true, changesLanding: true },
  { ...verb('for the first time', ['receipt', 's0', '0', '0'], { phase: 'landing', libraries: landing }), more: (root) => writeFileSync(workFile(root, `${run}/receipts/s0.lock`), '') },
  { ...verb('files and directories', ['remove'], { phase: 'landing', libraries: { ...old, ...landing } }), input: ['Databases\0Preferences.xml\0gone\0'], changesLanding: true },
  { ...verb('before publish', ['sentinels', run], { phase: 'landing', libraries: { ...old, ...landing } }), input: ['4\n/m\n/m/film\n'] },
  { ...verb('a second time', ['keep-journal'], { phase: 'landing', libraries: { ...old, ...landing } }), more: (root) => writeFileSync(workFile(root, 'journal.ndjson'), 'one\n'), input: ['one\ntwo\n'] },
  { ...verb('what landed', ['list'], { phase: 'landing', libraries: landing }) },
  { ...verb('some of what landed', ['list'], { phase: 'landing', libraries: landing }), input: ['Databases\0'] },
  { ...verb('what landed', ['listing-digest'], { phase: 'landing', libraries: landing }), input: ['Databases\0'] },
  { ...verb('of the landing area', ['check-databases'], { phase: 'landing', libraries: landing }), more: ownSqlite, environment: { PLEXLIFT_PLEX_SQLITE: 'ROOT/media/sqlite' }, input: ['Databases/library.db\0'] },
  { ...verb("where there is no SQLite of Plex's own", ['check-databases'], { phase: 'landing', libraries: landing }), environment: { PLEXLIFT_PLEX_SQLITE: '/nowhere' }, input: ['Databases/library.db\0'] },
  publish('the first library', { phase: 'landing', libraries: landing }),
  publish('in place of another', { phase: 'landing', libraries: { ...old, ...landing } }),
  { ...publish('while a receiver hangs', { phase: 'landing', libraries: { ...old, ...landing } }), beside: hungReceiver },
  publish('that was cut off', { phase: 'publishing', agreement: 'set-aside', libraries: { ...old, ...landing } }),
  verb('a published library', ['hold', run], { phase: 'published', agreement: 'set-aside', libraries: { ...published, ...aside } }),
  verb('what a restart would publish', ['hold', run], { phase: 'publishing', agreement: 'set-aside', libraries: { ...landing, ...aside } }),
  verb('a held library', ['release', run], { phase: 'published', held: 'yes', libraries: published }),
  withdraw('the only library', { phase: 'published', held: 'yes', libraries: published }),
  withdraw('with another to put back', { phase: 'published', held: 'yes', agreement: 'set-aside', libraries: { ...published, ...aside, [withdrawnPlace]: 'earlier' } }),
  withdraw('that was cut off', { phase: 'withdrawing', agreement: 'set-aside', withdrawn: withdrawnPlace, libraries: { ...published, ...aside } }),
  { ...verb('with leavings of another run', ['finish', run], { phase: 'published', agreement: 'set-aside', libraries: { ...published, ...aside, [landingPlace]: 'rest' } }), more: olderRun, changesLanding: true },
  { ...verb('a landing area', ['discard', run], { phase: 'landing', libraries: { ...old, ...landing } }), changesLanding: true },
  { ...verb('a withdrawn run', ['discard', run], { phase: 'withdrawn', agreement: 'set-aside', withdrawn: withdrawnPlace, libraries: { ...old, ...withdrawn } }), changesLanding: true },
  { ...verb('of a library at rest', ['write-preferences'], { phase: 'published', held: 'yes', libraries: published }), input: ['<Preferences/>'], changesPreferences: true },
  gate('before anything is open', { libraries: old }),
  gate('while the library lands', { phase: 'landing', libraries: { ...old, ...landing } }),
  gate('a first library was being published', { phase: 'publishing', libraries: landing }),
  gate('another library was being set aside', { phase: 'publishing', agreement: 'set-aside', libraries: { ...old, ...landing } }),
  gate('another library was set aside', { phase: 'publishing', agreement: 'set-aside', libraries: { ...aside, ...landing } }),
  gate('all was renamed', { phase: 'publishing', agreement: 'set-aside', libraries: { ...aside, ...published } }),
  gate('the renames cannot be', { phase: 'publishing', agreement: 'set-aside', libraries: { ...old, ...aside, ...landing } }),
  gate('a published library', { phase: 'published', agreement: 'set-aside', libraries: { ...published, ...aside } }),
  gate('a published library without its share', { phase: 'published', libraries: published, isShareAway: true }),
  gate('a library that is held', { phase: 'published', held: 'yes', libraries: published }),
  gate('while a withdrawal is under way', { phase: 'withdrawing', agreement: 'set-aside', withdrawn: withdrawnPlace, libraries: { ...withdrawn, ...aside } }),
  gate('a withdrawn library', { phase: 'withdrawn', withdrawn: withdrawnPlace, libraries: withdrawn }),
  gate('a finished run', { phase: 'finished', libraries: published }),
  gate('a published library of another run', { phase: 'published', of: 'r0', libraries: published }),
  gate('a finished run before another', { phase: 'finished', of: 'r0', libraries: published }),
  gate('a published library that is gone', { phase: 'published' }),
  gate('a phase that nobody knows', { phase: 'unheard-of', libraries: published }),
  { ...gate('a state that nobody wrote', { phase: 'published', libraries: published }), more: (root) => writeFileSync(workFile(root, 'state'), 'protocol 1\nphase published\nsomething else\nend\n') },
  { ...gate('a published library that somebody works on', { phase: 'published', libraries: published }), beside: atWork },
  verb('by the chart, without a verb', [''], { phase: 'published', libraries: published }),
];

function inTheWay(root: string): void {
  const data = workFile(root, `${run}/${dataPath}`);
  mkdirSync(join(data, 'a/one/was a directory'), { recursive: true });
  symlinkSync('/nowhere', join(data, 'way'));
}

/** As a receiver whose connection went without a word: it holds what a receiver holds. */
function hungReceiver(root: string): ChildProcess {
  const held = [workFile(root, 'receiving'), workFile(root, `${run}/receipts/s1.lock`)];
  return spawn('sh', ['-c', 'exec 8>>"$1" 7>>"$2"; flock -s 8 && flock 7 && echo held && exec sleep 60', 'sh', ...held], { stdio: ['ignore', 'pipe', 'ignore'] });
}

function atWork(root: string): ChildProcess {
  return spawn('sh', ['-c', 'exec 9>>"$1"; flock 9 && echo held && exec sleep 60', 'sh', workFile(root, 'lock')], { stdio: ['ignore', 'pipe', 'ignore'] });
}

function ownSqlite(root: string): void {
  file(join(root, 'media/sqlite'), '#!/bin/sh\necho ok\n', { mode: 0o755 });
  chmodSync(root, 0o755);
}

function olderRun(root: string): void {
  writeFileSync(workFile(root, 'r0/receipts/s1.list'), '');
  writeFileSync(workFile(root, 'state.new.999999'), 'of somebody who was killed');
}
