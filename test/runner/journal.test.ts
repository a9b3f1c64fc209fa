import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PlexliftError } from '../../src/errors.ts';
import type { PassingEvent, RecordedEvent } from '../../src/runner/events.ts';
import { openJournal, readJournal } from '../../src/runner/journal.ts';

let place: string;
let file: string;

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'plexlift-journal-'));
  file = join(place, 'journal.ndjson');
});

afterEach(() => rmSync(place, { recursive: true, force: true }));

const quiet = { observe: () => undefined };
const noted = (text: string) => ({ type: 'noted', step: 'inspect', text }) as const;

test('what is recorded is one line each with its moment, seen by the observer, and read back equal', () => {
  const seen: (RecordedEvent | PassingEvent)[] = [];
  const journal = openJournal(file, { observe: (event) => seen.push(event), now: () => new Date('2026-11-23T18:00:00Z') });
  journal.record(noted('one\ntwo "quoted" — ünïcode'));
  journal.pass({ type: 'progress', step: 'inspect', progress: { what: 'looking', done: 1, unit: 'files' } });
  journal.record({ type: 'step-begun', step: 'inspect' });
  journal.close();

  expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(3);
  expect(seen.map((event) => event.type)).toEqual(['noted', 'progress', 'step-begun']);
  expect(readJournal(file)).toEqual([
    { at: '2026-11-23T18:00:00.000Z', ...noted('one\ntwo "quoted" — ünïcode') },
    { at: '2026-11-23T18:00:00.000Z', type: 'step-begun', step: 'inspect' },
  ]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('opened again, it goes on after what was there', () => {
  for (const text of ['one', 'two']) {
    const journal = openJournal(file, quiet);
    journal.record(noted(text));
    journal.close();
  }
  expect(readJournal(file)).toMatchObject([{ text: 'one' }, { text: 'two' }]);
});

test.each(['{"at":"2026-11-23T18:00:00.000Z","type":"noted","st', '{', '{"at":"x","type":"noted","step":"a","text":"whole, but without its end"}'])('a torn last line is cut off on open and ignored by readers: %s', (torn) => {
  const journal = openJournal(file, quiet);
  journal.record(noted('kept'));
  journal.close();
  const whole = readFileSync(file, 'utf8');
  appendFileSync(file, torn);

  expect(readJournal(file)).toMatchObject([{ text: 'kept' }]);
  expect(readFileSync(file, 'utf8')).toBe(whole + torn);
  const again = openJournal(file, quiet);
  expect(readFileSync(file, 'utf8')).toBe(whole);
  again.record(noted('after'));
  again.close();
  expect(readJournal(file)).toMatchObject([{ text: 'kept' }, { text: 'after' }]);
});

test.each(['not json\n', '\n', '[]\n', '"text"\n', '{"type":"noted"}\n', '{"at":"now"}\n', 'null\n'])('any other line that cannot be read stops plexlift, with its number: %j', (bad) => {
  const good = `${JSON.stringify({ at: 'now', ...noted('good') })}\n`;
  writeFileSync(file, good + bad + good);
  for (const open of [() => readJournal(file), () => openJournal(file, quiet)]) {
    expect(open).toThrow(PlexliftError);
    expect(open).toThrow(/Cannot read line 2 of the journal/);
  }
  expect(readFileSync(file, 'utf8')).toBe(good + bad + good);
});

test('a bad line that is also the last whole one stops it, too: only what has no end is torn', () => {
  writeFileSync(file, `${JSON.stringify({ at: 'now', ...noted('good') })}\n{"at":"no\n`);
  expect(() => readJournal(file)).toThrow(/line 2/);
});

test('no journal is an empty one; a journal that cannot be read is not', () => {
  expect(readJournal(file)).toEqual([]);
  mkdirSync(file);
  for (const open of [() => readJournal(file), () => openJournal(file, quiet)]) expect(open).toThrow(/Cannot read the journal/);
});

test('a line is on disk before record returns: a process that is killed has lost none it told about', async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'killedRecorder.ts'), file], { stdio: ['ignore', 'pipe', 'inherit'] });
  let told = '';
  for await (const chunk of child.stdout) {
    told += String(chunk);
    if (told.split('\n').length > 40) break;
  }
  child.kill('SIGKILL');
  await once(child, 'exit');

  const last = Number(told.trim().split('\n').at(-1));
  const journal = openJournal(file, quiet);
  const numbers = journal.events.map((event) => (event.type === 'noted' ? Number(event.text) : -1));
  journal.close();
  expect(last).toBeGreaterThan(30);
  expect(numbers.length).toBeGreaterThan(last - 1);
  expect(numbers).toEqual(numbers.map((_, position) => position));
});

test('what a full disk takes only half of is not in the journal, and all before it is', async () => {
  // A file that may not grow stands for the disk: both take the first bytes of a line and refuse the others.
  const child = spawn('sh', ['-c', 'ulimit -f 3 && exec "$@"', 'sh', process.execPath, join(import.meta.dirname, 'killedRecorder.ts'), file], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [told, complaint] = await Promise.all([text(child.stdout), text(child.stderr)]);

  expect(complaint).toContain(`Cannot write the journal "${file}": EFBIG`);
  const numbers = told.trim().split('\n');
  expect(numbers.length).toBeGreaterThan(5);
  expect(readFileSync(file, 'utf8')).toMatch(/\n$/);
  expect(readJournal(file)).toMatchObject(numbers.map((number) => ({ text: number })));
});
