import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { thisComputer } from '../../src/machines/localMachine.ts';
import type { Machine, ProcessEnding } from '../../src/machines/machine.ts';
import { localTree } from '../../src/sources/dataDirectory.ts';
import { walk } from '../../src/sources/directoryWalk.ts';
import { entriesOf } from '../targets/landingTree.ts';
import { record } from './printedRecord.ts';

/** A directory of which the name means something to those who match patterns. */
function library(): string {
  const directory = join(mkdtempSync(join(tmpdir(), 'plexlift-walk-')), 'a [b] *?\\ d');
  onTestFinished(() => rmSync(join(directory, '..'), { recursive: true, force: true }));
  mkdirSync(directory);
  return directory;
}

function put(directory: string, ...paths: readonly string[]): void {
  for (const path of paths) {
    mkdirSync(join(directory, path, '..'), { recursive: true });
    writeFileSync(join(directory, path), path);
  }
}

interface Walked {
  readonly paths: readonly string[];
  readonly marks: readonly string[];
}

async function walked(machine: Machine, directory: string, { reads = () => true }: { readonly reads?: (mark: string) => boolean } = {}): Promise<Walked> {
  const [paths, marks]: [string[], string[]] = [[], []];
  for await (const page of walk(machine, { directory, paced: (inner) => inner, signal: undefined })) {
    if (page.mark !== null) marks.push(page.mark.path);
    if (page.mark === null || reads(page.mark.path)) paths.push(...Array.from(page.entries(), ({ entry }) => entry.path));
  }
  return { paths: paths.toSorted(), marks: marks.toSorted() };
}

const around = ['Media/localhost/1/b.bundle/Contents/index', 'Plug-ins/Metadata/inside', 'Metadata.bundle/Metadata/x', 'Cache/Metadata', 'file'];

test.each<readonly [string, (directory: string) => void, readonly string[]]>([
  ['is a directory', (directory) => put(directory, 'Metadata/Movies/1/a.bundle/Contents/poster', 'Metadata/Movies/1/c.bundle/Metadata/poster', 'Metadata/Metadata/x', 'Metadata/beside'), ['Metadata', 'Metadata/Movies/1/a.bundle', 'Metadata/Movies/1/c.bundle']],
  ['is empty', (directory) => mkdirSync(join(directory, 'Metadata')), ['Metadata']],
  ['is not there', () => undefined, []],
  ['is a file', (directory) => put(directory, 'Metadata'), []],
  ['is a link to a directory', (directory) => symlinkSync(join(directory, 'Media'), join(directory, 'Metadata')), []],
  ['is a link to nothing', (directory) => symlinkSync('nowhere', join(directory, 'Metadata')), []],
])('every entry comes once, and pages have whole paths, where Metadata %s', async (_, make, marks) => {
  const directory = library();
  make(directory);
  put(directory, ...around);
  const all = entriesOf(directory).map(({ path }) => path as string).toSorted();
  expect(await walked(thisComputer(), directory)).toEqual({ paths: all, marks: ['Media/localhost/1/b.bundle', 'Metadata.bundle', ...marks].toSorted() });
  // Also where no page is read that need not be.
  expect((await walked(thisComputer(), directory, { reads: () => false })).marks).toHaveLength(marks.length + 2);
  // As a tree, without anything from elsewhere.
  const listed: string[] = [];
  for await (const { path } of localTree(thisComputer(), { directory }).list()) listed.push(path);
  expect(listed.toSorted()).toEqual(all);
});

const whole: ProcessEnding = { exitCode: 0, signal: null, stderrTail: '' };

interface Walker {
  readonly prints: string;
  readonly ends?: ProcessEnding;
}

/** A machine on which the two walkers say this. */
function machineWith({ rest, beside }: { readonly rest: Walker; readonly beside: Walker }): Machine & { readonly killed: string[] } {
  const killed: string[] = [];
  return {
    name: 'nas',
    killed,
    run: () => Promise.reject(new Error('nothing is run here')),
    open({ program }) {
      const { prints, ends = whole } = program === 'find' ? rest : beside;
      return { stdin: new PassThrough(), stdout: Readable.from([Buffer.from(prints)]), ended: Promise.resolve(ends), kill: () => void killed.push(program) };
    },
  };
}

const ofRest = `${record('d', 1, 'Cache')}\0\0Metadata\0${record('d', 1, 'Metadata')}${record('d', 1, 'Plug-ins')}`;
const ofLargest = `${record('d', 0, 'Metadata')}${record('d', 1, 'Movies')}`;

test('two that have seen the same are taken', async () => {
  expect((await walked(machineWith({ rest: { prints: ofRest }, beside: { prints: ofLargest } }), '/data')).paths).toEqual(['Cache', 'Metadata', 'Metadata/Movies', 'Plug-ins']);
});

test.each<readonly [string, string, string, string]>([
  ['one that left it to the other, which found none', ofRest, '', 'went'],
  ['one that found it where the other left nothing to it', record('d', 1, 'Cache'), ofLargest, 'came'],
])('%s is no listing, whether pages are read or not', async (_, rest, beside, what) => {
  for (const reads of [() => true, () => false]) {
    await expect(walked(machineWith({ rest: { prints: rest }, beside: { prints: beside } }), '/data', { reads })).rejects.toMatchObject({ kind: 'failed', message: `Cannot list /data on nas: "Metadata" ${what} while it was listed`, remedy: 'Run the same command again' });
  }
});

test('a directory that begins a page too long to have a mark was left out, too', async () => {
  const long = Array.from({ length: 20_000 }, (_, position) => record('d', 2, `a name that is somewhat long ${position}`)).join('');
  const rest = `\0\0Metadata\0${record('d', 1, 'Metadata')}${record('d', 1, 'Cache')}${long}`;
  expect((await walked(machineWith({ rest: { prints: rest }, beside: { prints: ofLargest } }), '/data')).paths).toHaveLength(20_003);
});

test.each<readonly [string, { readonly rest: Walker; readonly beside: Walker }]>([
  ['the first', { rest: { prints: ofRest, ends: { exitCode: 255, signal: null, stderrTail: 'Connection closed' } }, beside: { prints: ofLargest } }],
  ['the second', { rest: { prints: ofRest }, beside: { prints: ofLargest, ends: { exitCode: 1, signal: null, stderrTail: "find: '/data/Metadata/Movies': Permission denied" } } }],
  ['the second, in what it began with', { rest: { prints: ofRest }, beside: { prints: ofLargest, ends: { exitCode: 1, signal: null, stderrTail: "find: '/data/Metadata': No such file or directory" } } }],
  ['the second, within a record,', { rest: { prints: ofRest }, beside: { prints: `${ofLargest}d\0` } }],
])('where %s fails, there is no listing', async (_, walkers) => {
  await expect(walked(machineWith(walkers), '/data')).rejects.toMatchObject({ kind: 'failed' });
});

test('whoever stops reading ends both', async () => {
  const machine = machineWith({ rest: { prints: `${record('d', 1, 'Cache')}\0\0Metadata\0${record('d', 1, 'Metadata')}` }, beside: { prints: ofLargest } });
  for await (const page of walk(machine, { directory: '/data', paced: (inner) => inner, signal: undefined })) if (page.mark === null) break;
  expect(machine.killed).toContain('find');
});

test('where one fails, the other is ended, however long it would have gone on', async () => {
  const failing = machineWith({ rest: { prints: ofRest, ends: { exitCode: 255, signal: null, stderrTail: 'Connection closed' } }, beside: { prints: '' } });
  const endless: Machine = {
    ...failing,
    open(opened, options = {}) {
      if (opened.program === 'find') return failing.open(opened, options);
      const stdout = new PassThrough();
      options.signal?.addEventListener('abort', () => stdout.end());
      return { stdin: new PassThrough(), stdout, ended: Promise.resolve({ exitCode: null, signal: 'SIGTERM', stderrTail: '' }), kill: () => undefined };
    },
  };
  await expect(walked(endless, '/data')).rejects.toMatchObject({ kind: 'failed', message: expect.stringContaining('find') as string });
});
