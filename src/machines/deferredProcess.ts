import { PassThrough } from 'node:stream';
import { messageOf } from '../errors.ts';
import type { Process, ProcessEnding } from './machine.ts';

/** A process that is there at once, for one that can be opened only after something was found out. Where that fails, it ends without an exit code and says why. */
export function deferredProcess(open: () => Promise<Process>): Process {
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  let opened: Process | null = null;
  let killed = false;
  // A program may end without reading its input; its ending says what there is to say.
  stdin.on('error', () => undefined);

  async function carryOut(): Promise<ProcessEnding> {
    const process = await open();
    opened = process;
    if (killed) process.kill();
    stdin.pipe(process.stdin);
    process.stdin.once('close', () => stdin.destroy());
    process.stdout.pipe(stdout);
    return process.ended;
  }

  const ended = carryOut().catch((error: unknown): ProcessEnding => {
    stdin.destroy();
    stdout.end();
    return { exitCode: null, signal: null, stderrTail: messageOf(error) };
  });
  return {
    stdin,
    stdout,
    ended,
    kill() {
      killed = true;
      opened?.kill();
    },
  };
}
