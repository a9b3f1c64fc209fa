import { execa } from 'execa';

/** What a program left behind: both outputs as text, without the final line break, and its exit code (128 + signal when it was ended by one). */
export interface CommandOutcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** How a host program is run: text for its standard input, variables added to the environment, and the most time it may take (ended with SIGKILL after that). */
export interface HostCommandOptions {
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 60_000;

/** Runs a program on this computer and returns its outcome, whatever the exit code; throws when it cannot be started or takes longer than `timeoutMs` (default one minute). */
export async function tryOnHost(command: readonly [string, ...string[]], options: HostCommandOptions = {}): Promise<CommandOutcome> {
  const [file, ...argv] = command;
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const result = await execa(file, argv, {
    reject: false,
    input: options.input ?? '',
    env: { LC_ALL: 'C.UTF-8', ...options.environment },
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  if (result.timedOut) throw new Error(`Cannot finish "${command.join(' ')}": it was still running after ${timeoutMs / 1000} s\n${result.stderr}`);
  const exitCode = result.exitCode ?? (result.signal === undefined ? undefined : 128);
  if (exitCode === undefined) throw new Error(`Cannot start "${file}": ${result.shortMessage ?? 'no reason was given'}`, { cause: result.cause });
  return { stdout: result.stdout, stderr: result.stderr, exitCode };
}

/** Runs a program on this computer and returns its standard output; throws with the end of both outputs when it exits with anything but 0. */
export async function runOnHost(command: readonly [string, ...string[]], options: HostCommandOptions = {}): Promise<string> {
  const outcome = await tryOnHost(command, options);
  if (outcome.exitCode !== 0) {
    const said = `${outcome.stdout}\n${outcome.stderr}`.trim().split('\n').slice(-25).join('\n');
    throw new Error(`Cannot run "${command.join(' ')}": it exited with ${outcome.exitCode}\n${said}`);
  }
  return outcome.stdout;
}
