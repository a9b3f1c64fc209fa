import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { gateScriptPath } from '../../src/targets/gate/gateScript.ts';
import type { Owner } from '../../src/transfer/entry.ts';

/** The shells that the gate's script must run in, as words before the script; those that are not on this machine are left out. */
export const shells: readonly (readonly string[])[] = [['dash'], ['bash'], ['bash', '--posix'], ['busybox', 'sh']].filter(
  ([program = '']) => spawnSync(program, ['-c', ':']).error === undefined,
);

/** How something is undone when a test has ended. Tests that run beside each other pass that of their own context. */
export type AtEnd = (undo: () => void) => void;

/** A directory of its own for one test. */
export function temporaryDirectory(atEnd: AtEnd = onTestFinished): string {
  const directory = mkdtempSync(join(tmpdir(), 'plexlift-gate-'));
  atEnd(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}

/** Who runs the tests; what arrives belongs to them. */
export function ownUser(): Owner {
  return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
}

/** What a run of the script gave. */
export interface ScriptResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export const dataPath = 'Library/Application Support/Plex Media Server';

/** A volume, and the script run on it by one shell. */
export function gateVolume(shell: readonly string[] = ['dash'], atEnd: AtEnd = onTestFinished) {
  const root = temporaryDirectory(atEnd);
  const environment = { ...process.env, PLEXLIFT_ROOT: root, PLEX_UID: String(ownUser().uid), PLEX_GID: String(ownUser().gid) };
  const [program = 'sh', ...words] = shell;

  function state(phase: string, options: { readonly run?: string; readonly agreement?: string; readonly held?: string; readonly withdrawn?: string } = {}): void {
    mkdirSync(join(root, '.plexlift'), { recursive: true });
    const lines = ['protocol 1', `phase ${phase}`, `run ${options.run ?? 'r1'}`, `agreement ${options.agreement ?? 'none'}`, `held ${options.held ?? 'no'}`];
    writeFileSync(join(root, '.plexlift/state'), [...lines, `withdrawn ${options.withdrawn ?? '-'}`, 'end', ''].join('\n'));
  }

  /** A library that can be told from another by its mark. */
  function library(name: string, mark: string): void {
    const directory = join(root, name, 'Application Support/Plex Media Server');
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'mark'), mark);
  }

  function markOf(name: string): string | null {
    try {
      return readFileSync(join(root, name, 'Application Support/Plex Media Server/mark'), 'utf8');
    } catch {
      return null;
    }
  }

  function run(verb: readonly string[], options: { readonly input?: string | Buffer; readonly environment?: Record<string, string> } = {}): ScriptResult {
    const done = spawnSync(program, [...words, gateScriptPath, ...verb], { env: { ...environment, ...options.environment }, input: options.input ?? '', encoding: 'utf8' });
    return { exitCode: done.status, stdout: done.stdout, stderr: done.stderr };
  }

  /** The gate as the container would run it; what it says is collected. */
  function startGate(more: Record<string, string> = {}) {
    const child = spawn(program, [...words, gateScriptPath, 'gate'], { env: { ...environment, ...more }, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
    atEnd(() => void child.kill('SIGKILL'));
    return {
      ended,
      said: () => said,
      stop: (signal: NodeJS.Signals) => child.kill(signal),
      running: () => child.exitCode === null,
      async says(text: string): Promise<void> {
        for (let waitedMs = 0; !said.includes(text); waitedMs += 50) {
          if (waitedMs > 30_000) throw new Error(`The gate did not say "${text}" but: ${said}`);
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      },
    };
  }

  return { root, state, library, markOf, run, startGate };
}
