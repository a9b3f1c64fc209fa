import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { PlexliftError } from '../errors.ts';

/** A held lock. `takenOver` tells that its former holder was dead. */
export interface Lock {
  readonly takenOver: string | null;
  release(): void;
}

interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly startedAt: string;
}

/**
 * Takes the lock file, created with `wx` so that only one can win. A lock of a process of this computer that is no longer there is
 * taken over, which the caller records; any other holder is respected: throws `locked`.
 */
export function takeLock(file: string): Lock {
  const mine: Holder = { pid: process.pid, host: hostname(), startedAt: processStart(process.pid) ?? '' };
  let takenOver: string | null = null;
  for (let attempt = 0; ; attempt += 1) {
    try {
      writeFileSync(file, JSON.stringify(mine), { flag: 'wx', mode: 0o600 });
      return { takenOver, release: () => rmSync(file, { force: true }) };
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const holder = readHolder(file);
    if (holder === null && attempt < 3) continue;
    if (holder === null || attempt >= 3 || !isDead(holder)) throw lockedError(file, holder);
    if (removeDead(file, holder)) takenOver = `pid ${holder.pid} on ${holder.host}`;
  }
}

/**
 * Removes the lock of a dead holder. Two processes may find it dead at once, and the slower must not remove the lock that the faster has
 * taken since: whoever creates the claim on this holder may look once more and remove, nobody else.
 */
function removeDead(file: string, dead: Holder): boolean {
  const claim = `${file}.dead-${dead.pid}-${dead.startedAt}`;
  try {
    writeFileSync(claim, '', { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
  try {
    const now = readHolder(file);
    if (now === null || now.pid !== dead.pid || now.host !== dead.host || now.startedAt !== dead.startedAt) return false;
    rmSync(file, { force: true });
    return true;
  } finally {
    rmSync(claim, { force: true });
  }
}

function lockedError(file: string, holder: Holder | null): PlexliftError {
  const who = holder === null ? 'a process that left no name' : `pid ${holder.pid} on ${holder.host}`;
  return new PlexliftError('locked', `Cannot use this run directory now: another plexlift is at work in it, ${who}`, {
    remedy: `Nothing was changed by this command. Wait until the other one ends; if you are certain that it is gone, delete "${file}" and run the same command again`,
  });
}

function readHolder(file: string): Holder | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Holder;
  } catch {
    // Gone, or not yet written by the one who just created it: the caller looks again.
    return null;
  }
}

/** True only where this computer can tell: another host's processes, or a pid that lives on with the same start, are not dead. */
function isDead(holder: Holder): boolean {
  if (holder.host !== hostname()) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
  const start = processStart(holder.pid);
  return holder.startedAt !== '' && start !== null && start !== holder.startedAt;
}

/** Start time of a process in clock ticks since boot (field 22 of /proc/PID/stat): tells a reused pid apart. Null where there is no /proc. */
function processStart(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    // No /proc (macOS), or no such process: then only the pid itself speaks.
    return null;
  }
}
