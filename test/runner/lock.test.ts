import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PlexliftError } from '../../src/errors.ts';
import { takeLock } from '../../src/runner/lock.ts';

let place: string;
let file: string;

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'plexlift-lock-'));
  file = join(place, 'lock');
});

afterEach(() => rmSync(place, { recursive: true, force: true }));

function refusal(): PlexliftError {
  try {
    takeLock(file);
  } catch (error) {
    if (error instanceof PlexliftError) return error;
    throw error;
  }
  throw new Error('The lock was taken');
}

/** A pid that no process has: of a child that has ended. */
async function deadPid(): Promise<number> {
  const child = spawn('true');
  await once(child, 'exit');
  return child.pid ?? 0;
}

async function nextLine(child: ChildProcessWithoutNullStreams): Promise<string> {
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  return chunk.toString('utf8').trim();
}

test('taken once, it is refused to the next with the holder named, and free again after release', () => {
  const lock = takeLock(file);
  expect(lock.takenOver).toBeNull();
  const error = refusal();
  expect(error.kind).toBe('locked');
  expect(error.message).toContain(`pid ${process.pid} on ${hostname()}`);
  expect(error.remedy).toContain(file);
  lock.release();
  expect(existsSync(file)).toBe(false);
  takeLock(file).release();
});

test('a dead holder of this computer is taken over, and told', async () => {
  const pid = await deadPid();
  writeFileSync(file, JSON.stringify({ pid, host: hostname(), startedAt: '1' }));
  const lock = takeLock(file);
  expect(lock.takenOver).toBe(`pid ${pid} on ${hostname()}`);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ pid: process.pid });
  lock.release();
  expect(readdirSync(place)).toEqual([]);
});

test('a pid that lives on as another process is dead, one that lives on is not', () => {
  writeFileSync(file, JSON.stringify({ pid: process.ppid, host: hostname(), startedAt: '1' }));
  const lock = takeLock(file);
  expect(lock.takenOver).toContain(`pid ${process.ppid}`);
  lock.release();
  writeFileSync(file, JSON.stringify({ pid: process.ppid, host: hostname(), startedAt: '' }));
  expect(refusal().kind).toBe('locked');
});

test('a holder on another host is respected, whatever its pid', async () => {
  const content = JSON.stringify({ pid: await deadPid(), host: `not-${hostname()}`, startedAt: '1' });
  writeFileSync(file, content);
  const error = refusal();
  expect(error.kind).toBe('locked');
  expect(error.message).toContain(`not-${hostname()}`);
  expect(readFileSync(file, 'utf8')).toBe(content);
});

test.each(['', '{"pid":'])('a lock without a name (%j) is respected', (content) => {
  writeFileSync(file, content);
  expect(refusal().kind).toBe('locked');
});

test('while one process takes over a dead holder, another does not', async () => {
  const pid = await deadPid();
  writeFileSync(file, JSON.stringify({ pid, host: hostname(), startedAt: '1' }));
  // The claim of the faster one, which has not finished yet.
  writeFileSync(`${file}.dead-${pid}-1`, '');
  expect(refusal().kind).toBe('locked');
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ pid });
});

test.each([{ of: 'a free lock', dead: false }, { of: 'the lock of a dead holder', dead: true }])('of several processes that race for $of, one wins', async ({ dead }) => {
  const pid = await deadPid();
  if (dead) writeFileSync(file, JSON.stringify({ pid, host: hostname(), startedAt: '1' }));
  const children = Array.from({ length: 4 }, () => spawn(process.execPath, [join(import.meta.dirname, 'lockTaker.ts'), file]));
  expect(await Promise.all(children.map(nextLine))).toEqual(['ready', 'ready', 'ready', 'ready']);
  const answers = children.map(nextLine);
  for (const child of children) child.stdin.write('go');
  // Between the removal of the dead holder's lock and a new one, another process finds a free one; then it is the one that wins.
  const ways = ['won a free lock', ...(dead ? [`won pid ${pid} on ${hostname()}`] : [])];
  const outcomes = await Promise.all(answers);
  // Who comes after the winner finds its lock; who comes while it takes over finds the claim.
  const winners = outcomes.filter((outcome) => outcome.startsWith('won'));
  expect(winners).toHaveLength(1);
  expect(ways).toContain(winners[0]);
  expect(outcomes.filter((outcome) => outcome === 'locked')).toHaveLength(3);
  for (const child of children) child.stdin.end();
  await Promise.all(children.map((child) => once(child, 'exit')));
  expect(readdirSync(place)).toEqual([]);
});
