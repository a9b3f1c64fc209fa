import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { once } from 'node:events';
import path from 'node:path';
import { PlexliftError, messageOf } from '../errors.ts';
import { openChild } from './childProcess.ts';
import { quoteForShell } from './command.ts';
import { explainSshFailure } from './sshFailure.ts';

/** Where ssh connects to, and how it may ask. */
export interface SshAddress {
  /** As `ssh` takes it: `user@host`, or a name from the config file. */
  readonly destination: string;
  readonly configFile?: string;
  /** True where ssh may ask on the terminal for host keys, passwords and second factors. */
  readonly interactive: boolean;
}

/** One authenticated connection that all commands share. */
export interface SshMaster {
  /** Opens the connection, or opens it again when it died. Throws with the reason ssh gives. */
  ensure(): Promise<void>;
  /** True while the connection is there. */
  isAlive(): Promise<boolean>;
  /** The arguments of an `ssh` that runs a shell line over this connection. */
  argumentsFor(line: string): string[];
  /** A TCP port here that leads to a port of the far side's loopback. */
  forward(remotePort: number): Promise<{ readonly localPort: number; close(): Promise<void> }>;
  close(): Promise<void>;
}

/** Seconds a connection stays once nobody holds it: plexlift was killed, or lost sight of it, and could not close it. */
const unheldSeconds = 10;

/** Seconds ssh waits for a connection to be set up. */
const connectSeconds = 20;

/** Milliseconds in which ssh must have connected where nobody can be asked. With a person at the terminal there is no limit. */
const unattendedConnectMs = 60_000;

/** Attempts to find a local port nobody else takes between the look and the use. */
const portAttempts = 5;

// A config file may set these for interactive use; none of them makes sense for commands with data on their pipes.
const plainSession = ['-T', '-o', 'Compression=no', '-o', 'ForwardX11=no', '-o', 'ForwardAgent=no', '-o', 'PermitLocalCommand=no', '-o', 'RemoteCommand=none', '-o', `ConnectTimeout=${connectSeconds}`];

/** Prepares a shared ssh connection; nothing is opened before `ensure`. */
export function sshMaster(address: SshAddress): SshMaster {
  const { destination } = address;
  let wasOpen = false;
  let endHold = (): void => undefined;
  // Each connection has a directory of its own: one that is lost out of sight takes the file of its socket with it when it ends.
  let directory: string | null = null;
  const common = (): readonly string[] => {
    if (directory === null) throw new Error('The ssh connection was never opened');
    return [...(address.configFile === undefined ? [] : ['-F', address.configFile]), '-S', path.join(directory, 'socket')];
  };
  let opening: Promise<void> | null = null;

  async function control(...what: readonly string[]): Promise<{ exitCode: number | null; printed: string }> {
    const child = openChild({ program: 'ssh', arguments: [...common(), '-o', 'BatchMode=yes', ...what, '--', destination] });
    child.stdin.end();
    child.stdout.resume();
    const { exitCode, stderrTail } = await child.ended;
    return { exitCode, printed: stderrTail };
  }

  async function isAlive(): Promise<boolean> {
    return directory !== null && (await control('-O', 'check')).exitCode === 0;
  }

  async function letGo(): Promise<void> {
    endHold();
    endHold = () => undefined;
    if (directory !== null) await rm(directory, { recursive: true, force: true });
  }

  async function open(): Promise<void> {
    if (await isAlive()) return;
    await letGo();
    // A Unix socket's path is limited to about 104 bytes, and ssh appends 17 while it creates it; os.tmpdir() is longer than that on macOS.
    directory = await mkdtemp('/tmp/plexlift-');
    const log = path.join(directory, 'log');
    // -E keeps ssh's own messages for us; what it asks, it asks on the terminal. -f returns once it is authenticated.
    const ssh = spawn(
      'ssh',
      [
        ...common(), ...plainSession, '-f', '-N', '-M', '-E', log,
        '-o', `ControlPersist=${unheldSeconds}`, '-o', 'ServerAliveInterval=15', '-o', 'ServerAliveCountMax=4', '-o', 'ClearAllForwardings=yes',
        ...(address.interactive ? [] : ['-o', 'BatchMode=yes']),
        '--', destination,
      ],
      { stdio: address.interactive ? 'inherit' : 'ignore', ...(address.interactive ? {} : { timeout: unattendedConnectMs }) },
    );
    let exitCode: number | null;
    try {
      [exitCode] = (await once(ssh, 'exit')) as [number | null];
    } catch (error) {
      await letGo();
      throw new PlexliftError('refused', `Cannot start "ssh": ${messageOf(error)}`, { remedy: 'Install the OpenSSH client on this computer', cause: error });
    }
    const printed = await readFile(log, 'utf8').catch(() => '');
    if (exitCode === 0 && (await isAlive())) {
      wasOpen = true;
      endHold = hold(argumentsFor('exec cat'), directory);
      return;
    }
    await letGo();
    const { reason, remedy } = explainSshFailure(exitCode === null ? 'timed out' : printed, address.configFile === undefined ? destination : `-F ${quoteForShell(address.configFile)} ${destination}`);
    // Before the first connection nothing was begun; a lost one interrupts something.
    throw new PlexliftError(wasOpen ? 'failed' : 'refused', `Cannot connect to "${destination}" over ssh: ${reason}`, { remedy, facts: printed.trim().split('\n').filter((line) => line !== '').slice(-10) });
  }

  function argumentsFor(line: string): string[] {
    return [...common(), ...plainSession, '-o', 'BatchMode=yes', '-o', 'ControlMaster=no', '-o', 'ClearAllForwardings=yes', '-o', 'LogLevel=ERROR', '--', destination, line];
  }

  return {
    async ensure() {
      opening ??= open().finally(() => {
        opening = null;
      });
      await opening;
    },
    isAlive,
    argumentsFor,
    async forward(remotePort) {
      let printed = '';
      for (let attempt = 0; attempt < portAttempts; attempt += 1) {
        const localPort = await freePort();
        const specification = `127.0.0.1:${localPort}:127.0.0.1:${remotePort}`;
        const answer = await control('-O', 'forward', '-L', specification);
        if (answer.exitCode === 0) {
          return {
            localPort,
            async close() {
              await control('-O', 'cancel', '-L', specification);
            },
          };
        }
        printed = answer.printed;
      }
      throw new PlexliftError('failed', `Cannot forward port ${remotePort} of "${destination}": ${printed.trim().split('\n').at(-1) ?? ''}`, {
        remedy: 'Check that sshd there allows forwarding (AllowTcpForwarding)',
      });
    },
    async close() {
      if (await isAlive()) await control('-O', 'exit');
      await letGo();
    },
  };
}

/**
 * Holds the connection for as long as this process lives, by a session whose input never comes: its end is the end of that input, which
 * the kernel sees to however this process ends. Without it a plexlift that was killed would leave a connection, and a session on the
 * far side, for as long as a person may take to answer a question; and the connection's directory, which goes with a session that ended
 * so. One that was refused, or lost, leaves it to this process. Returns what lets go.
 */
function hold(sessionArguments: readonly string[], directory: string): () => void {
  const session = spawn('sh', ['-c', '"$@" && rm -rf -- "$0"', directory, 'ssh', ...sessionArguments], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  // It is no work: nobody waits for it, and nothing is lost with it. A connection that is not there is opened again when it is needed.
  session.on('error', () => undefined);
  session.stdin.on('error', () => undefined);
  session.unref();
  (session.stdin as Socket).unref();
  return () => session.stdin.destroy();
}

/** A port of this computer that nobody listened on a moment ago: ssh cannot choose one itself for a local forward. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  server.close();
  await once(server, 'close');
  if (bound === null || typeof bound === 'string') throw new Error('A TCP server has no port');
  return bound.port;
}
