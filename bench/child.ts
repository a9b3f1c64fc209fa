import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** How a child ended that did what it was asked: what it wrote to standard output, and its wall time from start to end. */
export interface ChildResult {
  readonly stdout: string;
  readonly seconds: number;
}

const running = new Set<ChildProcess>();

/** Runs a program to its end, with its standard error shown here; throws where it cannot be started, is killed or ends with another code than 0. */
export async function runChild(program: string, parameters: readonly string[]): Promise<ChildResult> {
  const started = performance.now();
  const child = spawn(program, [...parameters], { stdio: ['ignore', 'pipe', 'inherit'] });
  running.add(child);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  try {
    // "once" rejects with the "error" event of a program that cannot be started.
    const [exitCode, signal] = await once(child, 'close');
    const seconds = (performance.now() - started) / 1000;
    if (exitCode !== 0) throw new Error(`Cannot measure: "${program}" ended with ${signal === null ? `code ${exitCode}` : `signal ${signal}`}`);
    return { stdout: Buffer.concat(chunks).toString('utf8'), seconds };
  } finally {
    running.delete(child);
  }
}

/** Runs one of this folder's own programs in a fresh Node process, and gives back what it printed as JSON. */
export async function runRoom(room: string, parameters: object): Promise<{ readonly told: unknown; readonly seconds: number }> {
  const file = new URL(room, import.meta.url).pathname;
  const { stdout, seconds } = await runChild(process.execPath, [...process.execArgv, file, JSON.stringify(parameters)]);
  return { told: JSON.parse(stdout), seconds };
}

/** Ends every child that still runs, without asking. */
export function killChildren(): void {
  for (const child of running) child.kill('SIGKILL');
}
