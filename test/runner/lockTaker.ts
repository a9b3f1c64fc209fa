import { PlexliftError } from '../../src/errors.ts';
import { takeLock } from '../../src/runner/lock.ts';

// Waits for the word, tries to take the lock, and says how that went; a winner holds it until its input ends.
process.stdout.write('ready\n');
process.stdin.once('data', () => {
  try {
    const lock = takeLock(process.argv[2] ?? '');
    process.stdout.write(`won ${lock.takenOver ?? 'a free lock'}\n`);
    process.stdin.on('end', () => lock.release());
  } catch (error) {
    process.stdout.write(error instanceof PlexliftError ? `${error.kind}\n` : `bug ${String(error)}\n`);
  }
});
