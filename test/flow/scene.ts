import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { runCommandLine } from '../../src/cli/program.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import type { RecordedEvent } from '../../src/runner/events.ts';
import { readJournal } from '../../src/runner/journal.ts';
import type { LibraryFacts } from '../bed/library/facts.ts';
import { makeLibrary } from '../bed/library/makeLibrary.ts';
import { makeScratchDirectory } from '../bed/library/scratch.ts';
import { literalTerminal } from '../cli/literalTerminal.ts';

/** How a command ended, and what it said. */
export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A small library in a directory, an empty target, and the configuration between them. */
export interface Scene {
  readonly place: string;
  readonly facts: LibraryFacts;
  /** The "Plex Media Server" directory of the source. */
  readonly source: string;
  readonly target: string;
  /** Where the library lies in the target once it is published. */
  readonly library: string;
  readonly run: string;
  readonly pairs: readonly { readonly from: string; readonly to: string }[];
  /** Writes the configuration anew, with these changes. */
  configure(changes?: Readonly<Record<string, unknown>>): void;
  /** Runs one command line in this process. */
  plexlift(...words: readonly string[]): Promise<Outcome>;
  /** The same with another terminal. */
  plexliftOn(terminal: Partial<Terminal>, ...words: readonly string[]): Promise<Outcome>;
  events(): readonly RecordedEvent[];
  remove(): void;
}

/** Makes a scene of 60 items; `missingMedia` of their files are not on disk. */
export async function makeScene(options: { readonly missingMedia?: number } = {}): Promise<Scene> {
  const place = makeScratchDirectory('plexlift-flow-');
  const source = join(place, 'old', 'Plex Media Server');
  const target = join(place, 'new');
  const run = join(place, 'run');
  const media = join(place, 'media', 'library');
  const optimized = join(place, 'media', 'optimized');
  const facts = await makeLibrary({ dataDirectory: source, mediaDirectory: media, optimizedDirectory: optimized, items: 60, seed: 3, missingMedia: options.missingMedia ?? 0 });
  const pairs = [
    { from: '/mnt/nas-plex', to: media },
    { from: '/mnt/nas-plex-optimized', to: optimized },
  ];
  const configuration = join(place, 'plexlift.yaml');
  const configure = (changes: Readonly<Record<string, unknown>> = {}): void => {
    writeFileSync(configuration, stringify({ source: { directory: source, version: facts.version }, target: { directory: target }, paths: pairs, run, ...changes }));
  };
  configure();

  async function plexliftOn(changes: Partial<Terminal>, ...words: readonly string[]): Promise<Outcome> {
    const terminal = literalTerminal(place, changes);
    const exitCode = await runCommandLine(words, terminal);
    return { exitCode, stdout: terminal.written.stdout, stderr: terminal.written.stderr };
  }

  return {
    place,
    facts,
    source,
    target,
    library: join(target, 'Library', 'Application Support', 'Plex Media Server'),
    run,
    pairs,
    configure,
    plexlift: (...words) => plexliftOn({}, ...words),
    plexliftOn,
    events: () => readJournal(join(run, 'journal.ndjson')),
    remove: () => rmSync(place, { recursive: true, force: true }),
  };
}
