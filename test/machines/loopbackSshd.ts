import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { once } from 'node:events';
import { userInfo } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { thisComputer } from '../../src/machines/localMachine.ts';
import { command } from '../../src/machines/command.ts';
import { freePort } from '../../src/machines/sshMaster.ts';

/** Where Debian and Ubuntu keep sshd. */
export const sshdProgram = '/usr/sbin/sshd';

/** Why tests with a real sshd cannot run here, or null where they can. */
export const noSshd: string | null = existsSync(sshdProgram) ? null : `${sshdProgram} is missing: install openssh-server`;

/** A real sshd of one's own on loopback, for the user who runs the tests. */
export interface LoopbackSshd {
  /** Host name in `configFile`. */
  readonly destination: string;
  readonly configFile: string;
  readonly directory: string;
  /** Ends every connection and stops answering. */
  stop(): Promise<void>;
  remove(): Promise<void>;
}

/** Starts sshd in a temporary directory. `programs` are put first in the PATH of every session, by name and text. */
export async function loopbackSshd(options: { readonly programs?: Readonly<Record<string, string>>; readonly knownHost?: boolean; readonly authorized?: boolean } = {}): Promise<LoopbackSshd> {
  const directory = await mkdtemp('/tmp/plexlift-sshd-');
  const here = thisComputer();
  const inside = (name: string): string => path.join(directory, name);
  for (const key of ['hostkey', 'userkey', 'otherkey']) await here.run(command('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', key, '-f', inside(key)));
  const port = await freePort();
  const publicKey = await readFile(inside((options.authorized ?? true) ? 'userkey.pub' : 'otherkey.pub'), 'utf8');
  await writeFile(inside('authorized_keys'), publicKey, { mode: 0o600 });
  const hostKey = await readFile(inside('hostkey.pub'), 'utf8');
  await writeFile(inside('known_hosts'), (options.knownHost ?? true) ? `[127.0.0.1]:${port} ${hostKey}` : '');
  for (const [name, text] of Object.entries(options.programs ?? {})) {
    await writeFile(inside(name), text);
    await chmod(inside(name), 0o755);
  }
  await writeFile(inside('sshd_config'), [
    `ListenAddress 127.0.0.1:${port}`, `HostKey ${inside('hostkey')}`, `AuthorizedKeysFile ${inside('authorized_keys')}`, `PidFile ${inside('pid')}`,
    'UsePAM no', 'StrictModes no', 'PasswordAuthentication no', 'KbdInteractiveAuthentication no', 'PermitRootLogin yes',
    // HOME keeps the start-up files of the person who runs the tests out of it.
    `SetEnv HOME=${directory} PATH=${directory}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin`, '',
  ].join('\n'));
  await writeFile(inside('config'), [
    'Host bed', 'HostName 127.0.0.1', `Port ${port}`, `User ${userInfo().username}`, `IdentityFile ${inside('userkey')}`, 'IdentitiesOnly yes', 'IdentityAgent none',
    `UserKnownHostsFile ${inside('known_hosts')}`, 'GlobalKnownHostsFile /dev/null', 'StrictHostKeyChecking ask', '',
  ].join('\n'));
  // Debian's sshd wants this directory when it runs as root, and creates it only in its unit.
  if (userInfo().uid === 0) await here.run(command('mkdir', '-p', '/run/sshd'));

  const sshd = spawn(sshdProgram, ['-D', '-e', '-f', inside('sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  let said = '';
  sshd.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await answering(port, () => said);

  async function stop(): Promise<void> {
    if (sshd.exitCode !== null || sshd.signalCode !== null || sshd.pid === undefined) return;
    const gone = once(sshd, 'exit');
    // Sessions are children in groups of their own; each is ended by its parent.
    const children = await here.run(command('ps', '-o', 'pid=', '--ppid', String(sshd.pid)), { answers: [0, 1] });
    sshd.kill('SIGTERM');
    for (const child of children.stdout.split('\n').map(Number).filter((id) => id > 0)) {
      try {
        process.kill(child, 'SIGTERM');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
    await gone;
  }

  return {
    destination: 'bed',
    configFile: inside('config'),
    directory,
    stop,
    async remove() {
      await stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function answering(port: number, said: () => string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const socket = connect(port, '127.0.0.1');
    const outcome = await once(socket, 'connect').then(() => 'answers', () => 'refuses');
    socket.destroy();
    if (outcome === 'answers') return;
    await wait(50);
  }
  throw new Error(`sshd does not answer on port ${port}: ${said()}`);
}
