import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { tryOnHost, type CommandOutcome } from '../sourceVm/hostCommand.ts';
import { startLocalSshd, type LocalSshd } from './localSshd.ts';

const cleanUps: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

const probe = await startLocalSshd();
if (!('unavailable' in probe)) await probe.stop();

async function start(): Promise<LocalSshd> {
  const server = await startLocalSshd();
  if ('unavailable' in server) throw new Error(server.unavailable);
  cleanUps.push(async () => server.stop());
  return server;
}

async function ssh(server: LocalSshd, ...argv: readonly string[]): Promise<CommandOutcome> {
  return tryOnHost(['ssh', '-F', server.sshConfigFile, '-o', 'BatchMode=yes', ...argv]);
}

async function serveOnLoopback(answer: string): Promise<{ http: Server; port: number }> {
  const http = createServer((_request, response) => void response.end(answer)).listen(0, '127.0.0.1');
  await once(http, 'listening');
  cleanUps.push(async () => http.close());
  const address = http.address();
  if (address === null || typeof address === 'string') throw new Error('The HTTP server has no port');
  return { http, port: address.port };
}

async function freePort(): Promise<number> {
  const { http, port } = await serveOnLoopback('');
  http.close();
  await once(http, 'close');
  return port;
}

/** A control socket in a short private directory, closed and removed after the test. */
async function openMaster(server: LocalSshd): Promise<readonly string[]> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'cm-'));
  const shared = ['-o', `ControlPath=${directory}/s`];
  cleanUps.push(async () => rm(directory, { recursive: true, force: true }));
  cleanUps.push(async () => ssh(server, ...shared, '-O', 'exit', server.destination));
  expect(await ssh(server, '-f', '-N', '-M', ...shared, '-o', 'ControlPersist=yes', server.destination)).toMatchObject({ exitCode: 0 });
  return shared;
}

describe.skipIf('unavailable' in probe)('the local sshd', { timeout: 30_000 }, () => {
  it('runs commands as the current user, and passes input, both outputs and the exit code', async () => {
    const server = await start();
    expect(await ssh(server, server.destination, 'id -un; echo oops >&2; exit 7')).toEqual({ stdout: os.userInfo().username, stderr: 'oops', exitCode: 7 });
    const echoed = await tryOnHost(['ssh', '-F', server.sshConfigFile, server.destination, 'cat'], { input: 'two\nlines' });
    expect(echoed.stdout).toBe('two\nlines');
  });

  it('starts shells that have not read the set-up of the user they run as', async () => {
    const server = await start();
    // bash counts the level up once it has decided about ~/.bashrc, which it reads below 2.
    expect(Number((await ssh(server, server.destination, 'echo $SHLVL')).stdout)).toBeGreaterThanOrEqual(2);
  });

  it('refuses a caller without the key, and a client that knows another host key', async () => {
    const [server, other] = [await start(), await start()];
    expect(await ssh(server, '-o', 'PubkeyAuthentication=no', server.destination, 'true')).toMatchObject({ exitCode: 255, stderr: expect.stringContaining('Permission denied') });
    const strangers = path.join(path.dirname(other.sshConfigFile), 'known_hosts');
    expect(await ssh(server, '-o', `UserKnownHostsFile=${strangers}`, server.destination, 'true'))
      .toMatchObject({ exitCode: 255, stderr: expect.stringContaining('Host key verification failed') });
  });

  it('shares one connection through a control socket', async () => {
    const server = await start();
    const shared = await openMaster(server);
    // Without a key, only the open connection can have let these through.
    const results = await Promise.all([1, 2, 3].map(async (n) => ssh(server, ...shared, '-o', 'PubkeyAuthentication=no', server.destination, `echo ${n}`)));
    expect(results.map(({ stdout }) => stdout)).toEqual(['1', '2', '3']);
  });

  it('forwards a port', async () => {
    const server = await start();
    const { port } = await serveOnLoopback('through the tunnel');
    const shared = await openMaster(server);
    // ssh knows port 0 ("any") for -R only.
    const localPort = await freePort();
    expect(await ssh(server, ...shared, '-O', 'forward', '-L', `127.0.0.1:${localPort}:127.0.0.1:${port}`, server.destination)).toMatchObject({ exitCode: 0 });
    const answer = await fetch(`http://127.0.0.1:${localPort}/`, { headers: { connection: 'close' } });
    expect(await answer.text()).toBe('through the tunnel');
  });

  it('drops connections and takes new ones', async () => {
    const server = await start();
    const client = spawn('ssh', ['-F', server.sshConfigFile, server.destination, 'echo ready; exec sleep 600'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = once(client, 'exit');
    await once(client.stdout, 'data');
    await server.dropConnections();
    expect(await ended).toEqual([255, null]);
    expect(await ssh(server, server.destination, 'echo again')).toMatchObject({ stdout: 'again', exitCode: 0 });
  });

  it('leaves neither processes nor files when stopped, also under a connection in use', async () => {
    const server = await start();
    const directory = path.dirname(server.sshConfigFile);
    // The server names its directory in its command line, and so does this command, which runs in a session of it.
    const client = spawn('ssh', ['-F', server.sshConfigFile, server.destination, `echo ready; sleep 600; : ${directory}`], { stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = once(client, 'exit');
    await once(client.stdout, 'data');
    const listProcesses = async (): Promise<readonly string[]> =>
      (await tryOnHost(['ps', '-A', '-o', 'args='])).stdout.split('\n').filter((line) => line.includes(directory) && !line.startsWith('ssh '));
    expect((await listProcesses()).length).toBeGreaterThan(1);

    await server.stop();
    await ended;
    expect(await listProcesses()).toEqual([]);
    expect(existsSync(directory)).toBe(false);
    await server.stop();
  });
});
