import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type * as FileSystem from 'node:fs';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PlexliftError } from '../../src/errors.ts';
import { takeLock } from '../../src/runner/lock.ts';

const meanwhile = vi.hoisted(() => ({ happens: (_file: string): void => undefined }));

// Another process acts at the worst moment: after the holder was found dead, before it is removed.
vi.mock('node:fs', async (original) => {
  const real = await original<typeof FileSystem>();
  return {
    ...real,
    writeFileSync: (...given: Parameters<typeof FileSystem.writeFileSync>) => {
      if (String(given[0]).includes('.dead-')) meanwhile.happens(String(given[0]));
      return real.writeFileSync(...given);
    },
  };
});

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'plexlift-lock-race-'));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

test('a faster process that took over the dead holder keeps its lock', async () => {
  const child = spawn('true');
  await once(child, 'exit');
  const file = join(place, 'lock');
  const faster = JSON.stringify({ pid: process.ppid, host: hostname(), startedAt: '' });
  writeFileSync(file, JSON.stringify({ pid: child.pid, host: hostname(), startedAt: '1' }));
  meanwhile.happens = () => writeFileSync(file, faster);

  expect(() => takeLock(file)).toThrow(PlexliftError);
  expect(() => takeLock(file)).toThrow(`pid ${process.ppid}`);
  expect(readFileSync(file, 'utf8')).toBe(faster);
});
