#!/usr/bin/env -S MALLOC_ARENA_MAX=2 node --max-semi-space-size=2 --heap-growing-percent=70 --disable-warning=ExperimentalWarning
import { homedir } from 'node:os';
import { join } from 'node:path';
import { runCommandLine } from './cli/program.ts';
import { exitCodes } from './errors.ts';

// The only file that touches the process: everything below gets what it needs handed down.
const stop = new AbortController();
process.on('SIGINT', () => {
  // A second Ctrl-C means now: the journal is on disk after every step, so nothing is lost.
  if (stop.signal.aborted) process.exit(exitCodes.interrupted);
  process.stderr.write('\nStopping cleanly; press Ctrl-C again to stop at once.\n');
  stop.abort();
});
process.on('SIGTERM', () => stop.abort());

// A reader that has seen enough (head, grep -q) closes its end; the work goes on without it, and so does its record.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

process.exitCode = await runCommandLine(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  interactive: process.stdin.isTTY && process.stderr.isTTY,
  colour: process.stderr.isTTY && process.env['NO_COLOR'] === undefined,
  unicode: /utf-?8/i.test(process.env['LC_ALL'] || process.env['LC_CTYPE'] || process.env['LANG'] || ''),
  currentDirectory: process.cwd(),
  stateHome: process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'),
  signal: stop.signal,
});
