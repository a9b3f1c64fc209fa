import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { runOnHost } from '../sourceVm/hostCommand.ts';

/** A real sshd on the loopback address that lets the current user in, and nobody without the key. */
export interface LocalSshd {
  /** For `ssh -F`. */
  readonly sshConfigFile: string;
  /** What to give `ssh`: an alias that `sshConfigFile` knows. */
  readonly destination: string;
  /** Cuts every connection, with the commands that run over it, as a broken network would; new ones are accepted. */
  dropConnections(): Promise<void>;
  /** Ends the server and everything started over it, and removes its keys. */
  stop(): Promise<void>;
}

/** Why there is no server. */
export interface SshdUnavailable {
  readonly unavailable: string;
}

const DESTINATION = 'local-sshd';

const ATTEMPTS = 5;

/** Starts an sshd as the current user on a free port; `unavailable` says so when this computer has no OpenSSH. */
export async function startLocalSshd(): Promise<LocalSshd | SshdUnavailable> {
  const sshd = findProgram('sshd');
  const missing = [...(sshd === undefined ? ['sshd'] : []), ...['ssh', 'ssh-keygen', 'ps'].filter((name) => findProgram(name) === undefined)];
  if (sshd === undefined || missing.length > 0) return { unavailable: `this computer has no ${missing.join(', no ')} (Debian: openssh-server, openssh-client, procps)` };

  const directory = await mkdtemp(path.join(os.tmpdir(), 'plexlift-sshd-'));
  try {
    await makeKeys(directory);
    // As root, sshd insists on this directory, which the system's own unit makes.
    if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
    const { server, port } = await listen(sshd, directory);
    return serving(server, { directory, sshConfigFile: await writeClientConfig(directory, port) });
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

function serving(server: ChildProcess, files: { readonly directory: string; readonly sshConfigFile: string }): LocalSshd {
  async function dropConnections(): Promise<void> {
    // A stopped process cannot fork, so a child that was made between the look and the kill is found by the next look.
    let found = new Set<number>();
    for (;;) {
      const seen = new Set(await descendantsOf(server));
      if (seen.isSubsetOf(found)) break;
      for (const pid of seen) signal(pid, 'SIGSTOP');
      found = found.union(seen);
    }
    for (const pid of found) signal(pid, 'SIGKILL');
  }

  return {
    sshConfigFile: files.sshConfigFile,
    destination: DESTINATION,
    dropConnections,
    async stop() {
      if (server.exitCode === null && server.signalCode === null) {
        const ended = once(server, 'exit');
        // Sessions first: once the server has ended they can no longer be found through it.
        await dropConnections();
        server.kill('SIGTERM');
        await ended;
      }
      await rm(files.directory, { recursive: true, force: true });
    },
  };
}

async function makeKeys(directory: string): Promise<void> {
  for (const name of ['host_key', 'user_key']) {
    await runOnHost(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', path.join(directory, name)]);
  }
  await copyFile(path.join(directory, 'user_key.pub'), path.join(directory, 'authorized_keys'));
}

/** A port can be taken between the moment it was found free and sshd's bind, hence a few attempts. */
async function listen(sshd: string, directory: string): Promise<{ server: ChildProcess; port: number }> {
  let said = '';
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const port = await findFreePort();
    const configFile = path.join(directory, 'sshd_config');
    await writeFile(configFile, serverConfig(directory, port));
    // -D: stay in the foreground; -e: the log goes to standard error. sshd must be started by its full path, as it runs itself again.
    const server = spawn(sshd, ['-D', '-e', '-f', configFile], { stdio: ['ignore', 'ignore', 'pipe'] });
    const outcome = await firstWords(server);
    if (outcome.listening) return { server, port };
    said = outcome.said;
  }
  throw new Error(`Cannot start "${sshd}": it did not listen on any of ${ATTEMPTS} ports\n${said}`);
}

async function firstWords(server: ChildProcess): Promise<{ listening: boolean; said: string }> {
  let said = '';
  return new Promise((resolve, reject) => {
    server.stderr?.setEncoding('utf8').on('data', (text: string) => {
      // Later lines are read too, so that the pipe never fills up, but not kept.
      if (said.includes('Server listening on ')) return;
      said += text;
      if (said.includes('Server listening on ')) resolve({ listening: true, said });
    });
    server.once('error', reject);
    server.once('exit', () => resolve({ listening: false, said }));
  });
}

function serverConfig(directory: string, port: number): string {
  return [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey "${directory}/host_key"`,
    `AuthorizedKeysFile "${directory}/authorized_keys"`,
    'PidFile none',
    // The temp directory is below /tmp, which everyone may write to.
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'PermitUserRC no',
    'AllowTcpForwarding yes',
    'PrintMotd no',
    // Debian's bash reads ~/.bashrc in a first-level shell under sshd. The tests must not depend on what a developer has there:
    // pyenv's set-up takes a lock, for one, and a session cut while it holds it delays every later one by a minute.
    'SetEnv SHLVL=2',
    '',
  ].join('\n');
}

async function writeClientConfig(directory: string, port: number): Promise<string> {
  const knownHosts = path.join(directory, 'known_hosts');
  await writeFile(knownHosts, `[127.0.0.1]:${port} ${await readFile(path.join(directory, 'host_key.pub'), 'utf8')}`);
  const file = path.join(directory, 'config');
  const lines = [
    `Host ${DESTINATION}`,
    '  HostName 127.0.0.1',
    `  Port ${port}`,
    `  User ${os.userInfo().username}`,
    `  IdentityFile "${directory}/user_key"`,
    '  IdentitiesOnly yes',
    '  IdentityAgent none',
    `  UserKnownHostsFile "${knownHosts}"`,
    '  GlobalKnownHostsFile /dev/null',
    '  StrictHostKeyChecking yes',
    '',
  ];
  await writeFile(file, lines.join('\n'), { mode: 0o600 });
  return file;
}

async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('Cannot find a free port: the probe has no address');
  return address.port;
}

/** The sessions of the server and what runs in them; each session makes a process group of its own, so a group signal would miss them. */
async function descendantsOf(server: ChildProcess): Promise<readonly number[]> {
  const listed = await runOnHost(['ps', '-A', '-o', 'pid=,ppid=']);
  const childrenOf = new Map<number, number[]>();
  for (const line of listed.split('\n')) {
    const [pid, parent] = line.trim().split(/\s+/).map(Number);
    if (pid !== undefined && parent !== undefined) childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), pid]);
  }
  const below = (pid: number): number[] => (childrenOf.get(pid) ?? []).flatMap((child) => [child, ...below(child)]);
  return server.pid === undefined ? [] : below(server.pid);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // It has ended, by itself or with the session that was ended just before.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Also searches the system directories: an ordinary user's PATH often lacks the one that holds sshd. */
function findProgram(name: string): string | undefined {
  const directories = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/bin', '/bin'];
  return directories.filter((directory) => path.isAbsolute(directory)).map((directory) => path.join(directory, name)).find((file) => existsSync(file));
}
