import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { runOnHost, tryOnHost } from './hostCommand.ts';

const BUSY_TIMEOUT_MS = 15_000;

const POLL_MS = 100;

/** Unmounts everything mounted at or below `directory`, the deepest first; a mount that stays busy for 15 s throws. Must come before any removal of the directory. */
export async function unmountBelow(directory: string): Promise<void> {
  const deadline = Date.now() + BUSY_TIMEOUT_MS;
  for (;;) {
    const [deepest] = await mountPointsBelow(directory);
    if (deepest === undefined) return;
    const outcome = await tryOnHost(['umount', deepest]);
    if (outcome.exitCode === 0) continue;
    // A mount stays busy for a moment after the last process in it has ended.
    if (Date.now() > deadline) await runOnHost(['umount', deepest]);
    await sleep(POLL_MS);
  }
}

async function mountPointsBelow(directory: string): Promise<readonly string[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  return lines
    .map((line) => unescape(line.split(' ')[4] ?? ''))
    .filter((mountPoint) => mountPoint === directory || mountPoint.startsWith(`${directory}/`))
    .sort((one, other) => other.length - one.length);
}

/** The kernel writes space, tab, line break and backslash as octal numbers. */
function unescape(mountPoint: string): string {
  return mountPoint.replaceAll(/\\([0-7]{3})/g, (_match, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
