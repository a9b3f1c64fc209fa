import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { PlexliftError } from '../errors.ts';
import { as, command } from '../machines/command.ts';
import type { Machine, RunAs } from '../machines/machine.ts';
import { integrityProgram } from './onlineCopyProgram.ts';

/** The path of "Plex SQLite" in Plex's own directory, or null where it is not there. */
export async function findOwnSqlite(machine: Machine, home: string): Promise<string | null> {
  const program = `${home}/Plex SQLite`;
  const { exitCode } = await machine.run(command('test', '-x', program), { answers: [0, 1] });
  return exitCode === 0 ? program : null;
}

/** Sends a database of this machine (with its write-ahead log, if it has one) into a scratch file there, and gives back the lines of its integrity check. */
export async function checkIntegrityThere(machine: Machine, { program, user, file }: { readonly program: string; readonly user: RunAs; readonly file: string }): Promise<readonly string[]> {
  const database = await stat(file);
  const log = await stat(`${file}-wal`).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  const process = machine.open(as(user, command('sh', '-c', integrityProgram, 'sh', program, String(database.size), String(log?.size ?? 0))));
  const sending = send([file, ...(log === null ? [] : [`${file}-wal`])], process.stdin);
  let printed = '';
  for await (const chunk of process.stdout) printed += String(chunk);
  const [ending] = [await process.ended, await sending];
  if (ending.exitCode !== 0) {
    throw new PlexliftError('failed', `Cannot check "${file}" with "${program}" on ${machine.name}: exit code ${ending.exitCode ?? 'unknown'}`, {
      remedy: 'Read the lines above, then run the same command again',
      facts: `${printed}\n${ending.stderrTail}`.trim().split('\n').slice(-10),
    });
  }
  return printed.split('\n').filter((line) => line !== '');
}

// Where the far side ends early, its ending says why; writing on would only say that the pipe is closed.
async function send(files: readonly string[], into: NodeJS.WritableStream & { readonly destroyed?: boolean; readonly writableNeedDrain?: boolean }): Promise<void> {
  for (const file of files) {
    for await (const chunk of createReadStream(file)) {
      if (into.destroyed === true) return;
      if (!into.write(chunk as Buffer)) {
        await new Promise<void>((resolve) => {
          const go = (): void => {
            into.removeListener('drain', go);
            into.removeListener('close', go);
            resolve();
          };
          into.on('drain', go);
          into.on('close', go);
        });
      }
    }
  }
  into.end();
}
