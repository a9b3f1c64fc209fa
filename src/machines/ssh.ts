import { randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { PlexliftError } from '../errors.ts';
import { openChild } from './childProcess.ts';
import { command } from './command.ts';
import { deferredProcess } from './deferredProcess.ts';
import type { Command, Machine, Process, ProcessEnding } from './machine.ts';
import { readyGate } from './readyGate.ts';
import { endGroupScript, remoteLine } from './remoteLine.ts';
import type { Elevation } from './remoteLine.ts';
import { runToEnd } from './runToEnd.ts';
import { explainSshFailure } from './sshFailure.ts';
import { sshMaster } from './sshMaster.ts';

/** A machine behind ssh. */
export interface SshMachine extends Machine {
  /** A TCP port here that leads to a port on the far side's loopback. */
  forward(remotePort: number): Promise<{ readonly localPort: number; close(): Promise<void> }>;
  close(): Promise<void>;
}

/** How to reach a machine behind ssh. */
export interface SshOptions {
  readonly destination: string;
  readonly configFile?: string;
  /** True where ssh itself may ask on the terminal. */
  readonly interactive: boolean;
  /** Gives the sudo password; called at most once, and only where sudo asks for one. */
  readonly askPassword?: () => Promise<string>;
}

/** ssh's own exit code for a failure of ssh itself. */
const sshFailed = 255;

/** Milliseconds sudo may take to look somebody up (LDAP, a slow PAM module). */
const sudoTimeoutMs = 30_000;

/** A word that a login shell must hand on unchanged; shells that are not POSIX shells do not. */
const canary = String.raw`a'b\\c$d"e !f`;

/** Connects to a machine with the user's own `ssh`. Throws with what kept it from connecting. */
export async function openSsh(options: SshOptions): Promise<SshMachine> {
  const name = options.destination;
  const master = sshMaster(options);
  const nonce = randomBytes(8).toString('hex');
  const marks = { ready: `plexlift-ready-${nonce}`, prompt: `plexlift-sudo-${nonce}:` };
  let elevating: Promise<Elevation> | null = null;
  let password: string | null = null;

  function start(inner: Command, { elevation, ...rest }: { readonly elevation: Elevation | null; readonly signal?: AbortSignal | undefined; readonly onStderr?: (chunk: Buffer) => void }): Process {
    const held = new PassThrough();
    let processId: number | null = null;
    let refused = false;
    const gate = readyGate(marks, {
      onReady(id) {
        processId = id;
        held.pipe(child.stdin);
      },
      onPrompt() {
        if (password === null) child.kill();
        else child.stdin.write(`${password}\n`);
      },
      onRefused() {
        refused = true;
        child.kill();
      },
    });
    const child = openChild(
      { program: 'ssh', arguments: master.argumentsFor(remoteLine(inner, { elevation, marks })) },
      {
        filterStderr(chunk) {
          const own = gate.filter(chunk);
          if (own.length > 0) rest.onStderr?.(own);
          return own;
        },
      },
    );
    held.on('error', () => undefined);
    child.stdin.once('close', () => held.destroy());

    function kill(): void {
      // Ending the ssh here leaves the program over there running: it is ended first.
      if (processId === null) child.kill();
      else void start({ ...command('sh', '-c', endGroupScript, 'sh', String(processId)), as: inner.as === undefined || inner.as === 'login' ? 'login' : 'root' }, { elevation }).ended.then(() => child.kill());
    }
    if (rest.signal?.aborted === true) kill();
    rest.signal?.addEventListener('abort', kill, { once: true });

    const ended = child.ended.then((ending): ProcessEnding => {
      rest.signal?.removeEventListener('abort', kill);
      const said = gate.saidBefore();
      if (refused) return { exitCode: 1, signal: null, stderrTail: 'sudo refused the password' };
      return said === null ? ending : { ...ending, stderrTail: said };
    });
    return { stdin: held, stdout: child.stdout, ended, kill };
  }

  async function elevationFor({ as = 'login' }: Command): Promise<Elevation | null> {
    if (as === 'login') return null;
    elevating ??= findElevation();
    return elevating;
  }

  async function findElevation(): Promise<Elevation> {
    const plain = (inner: Command, answers: readonly number[]) => runToEnd(meansWith(null), inner, { answers, timeoutMs: sudoTimeoutMs });
    if ((await plain(command('id', '-u'), [0])).stdout.trim() === '0') return 'already root';
    if ((await plain(command('sudo', '-n', 'true'), [0, 1])).exitCode === 0) return 'sudo without password';
    if (options.askPassword === undefined) {
      throw new PlexliftError('refused', `Cannot become root on ${name}: sudo asks for a password and nobody can be asked for it`, {
        remedy: `Run plexlift in a terminal, or allow the user sudo without a password on ${name}`,
      });
    }
    password = await options.askPassword();
    const trial = await runToEnd(meansWith('sudo with password'), { ...command('true'), as: 'root' }, { answers: [0, 1], timeoutMs: sudoTimeoutMs });
    if (trial.exitCode !== 0) {
      throw new PlexliftError('refused', `Cannot become root on ${name}: sudo refused the password, or the user may not use sudo`, {
        remedy: `Check with "ssh -t ${name} sudo true", then run the same command again`,
        facts: trial.stderr.trim().split('\n').filter((line) => line !== ''),
      });
    }
    return 'sudo with password';
  }

  function meansWith(elevation: Elevation | null) {
    return {
      machine: name,
      open: (inner: Command, lent: { readonly signal: AbortSignal; readonly onStderr: (chunk: Buffer) => void }) => start(inner, { elevation, ...lent }),
      async explain(ending: ProcessEnding) {
        if (ending.exitCode !== sshFailed || (await master.isAlive())) return null;
        const { reason, remedy } = explainSshFailure(ending.stderrTail, name);
        return { reason: `ssh lost the connection: ${reason}`, remedy };
      },
    };
  }

  const machine: SshMachine = {
    name,
    async run(inner, runOptions) {
      runOptions?.signal?.throwIfAborted();
      await master.ensure();
      return runToEnd(meansWith(await elevationFor(inner)), inner, runOptions);
    },
    open: (inner, openOptions = {}) =>
      deferredProcess(async () => {
        openOptions.signal?.throwIfAborted();
        await master.ensure();
        return start(inner, { elevation: await elevationFor(inner), ...openOptions });
      }),
    async forward(remotePort) {
      await master.ensure();
      return master.forward(remotePort);
    },
    close: () => master.close(),
  };

  try {
    await master.ensure();
    const echoed = await machine.run(command('printf', '%s', canary));
    if (echoed.stdout !== canary) {
      throw new PlexliftError('refused', `Cannot use the login shell on ${name}: it changes quoted words`, { remedy: `Use a user on ${name} whose login shell is a POSIX shell such as bash` });
    }
  } catch (error) {
    await master.close();
    throw error;
  }
  return machine;
}
