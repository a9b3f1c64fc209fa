import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { PlexliftError } from '../../src/errors.ts';
import { as, command } from '../../src/machines/command.ts';
import { thisComputer } from '../../src/machines/localMachine.ts';
import { openSsh } from '../../src/machines/ssh.ts';
import type { SshMachine, SshOptions } from '../../src/machines/ssh.ts';
import { commandOf, runningProcesses, sshSocketIn } from '../bed/runningProcesses.ts';
import { failureOf, machineContract } from '../contracts/machine.ts';
import { loopbackSshd, noSshd } from './loopbackSshd.ts';
import type { LoopbackSshd } from './loopbackSshd.ts';

const password = 'correct horse';

// Behaves as sudo does towards -n, -S and -p, with one password; the tests' user need not be allowed the real one.
const sudoThatAsks = `#!/bin/sh
here=$(dirname "$0")
echo "$*" >> "$here/sudo-arguments"
case $1 in
  -n) echo 'sudo: a password is required' >&2; exit 1;;
  -S) prompt=$3;;
esac
shift 6
for attempt in 1 2 3; do
  printf 'We trust you have received the usual lecture.\\n%s' "$prompt" >&2
  IFS= read -r given || exit 1
  [ "$given" = '${password}' ] && exec "$@"
  echo 'Sorry, try again.' >&2
done
exit 1
`;
const ordinaryUser = '#!/bin/sh\necho 1000\n';

const beds: LoopbackSshd[] = [];
const machines: SshMachine[] = [];

async function bed(options?: Parameters<typeof loopbackSshd>[0]): Promise<LoopbackSshd> {
  const started = await loopbackSshd(options);
  beds.push(started);
  return started;
}

async function open(sshd: LoopbackSshd, options: Partial<SshOptions> = {}): Promise<SshMachine> {
  const opened = await openSsh({ destination: sshd.destination, configFile: sshd.configFile, interactive: false, ...options });
  machines.push(opened);
  return opened;
}

/** How many connections an sshd serves, told by its own processes. */
async function connectionsTo({ directory }: LoopbackSshd): Promise<number> {
  const listener = (await readFile(`${directory}/pid`, 'utf8')).trim();
  const { stdout } = await thisComputer().run(command('ps', '-o', 'pid=', '--ppid', listener), { answers: [0, 1] });
  return stdout.split('\n').filter((line) => line !== '').length;
}

/** The socket of the connection to an sshd, told by the arguments of the ssh that made it. */
function socketTo({ configFile }: LoopbackSshd): string {
  const master = runningProcesses().map(commandOf).find((line) => line.includes(configFile) && line.includes(' -M '));
  const socket = sshSocketIn(master ?? '');
  if (socket === null) throw new Error('There is no connection');
  return socket;
}

afterEach(async () => {
  for (const machine of machines.splice(0)) await machine.close();
  for (const sshd of beds.splice(0)) await sshd.remove();
});

if (noSshd === null) {
  machineContract('behind ssh', async () => {
    const sshd = await loopbackSshd();
    const machine = await openSsh({ destination: sshd.destination, configFile: sshd.configFile, interactive: false });
    return {
      machine,
      async close() {
        await machine.close();
        await sshd.remove();
      },
    };
  });
}

describe.skipIf(noSshd !== null)('ssh', () => {
  test('opens the connection again when it died', async () => {
    const machine = await open(await bed());
    const parent = (await machine.run(command('sh', '-c', 'ps -o ppid= -p $PPID'))).stdout.trim();
    await machine.run(command('sh', '-c', 'kill $PPID')).catch(() => undefined);
    const again = (await machine.run(command('sh', '-c', 'echo here; ps -o ppid= -p $PPID'))).stdout.trim().split(/\s+/);
    expect(again[0]).toBe('here');
    expect(again[1]).toBe(parent);
  });

  test('leaves neither a connection nor a file behind when the process that made it is killed, and no connection when its socket is gone', async () => {
    const sshd = await bed();
    const holder = spawn(process.execPath, [path.join(import.meta.dirname, 'sshHolder.ts'), sshd.destination, sshd.configFile], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(holder.stdout, 'data');
    expect(await connectionsTo(sshd)).toBe(1);
    const directory = path.dirname(socketTo(sshd));
    holder.kill('SIGKILL');
    await expect.poll(() => existsSync(directory), { timeout: 20_000 }).toBe(false);
    await expect.poll(() => connectionsTo(sshd), { timeout: 20_000 }).toBe(0);

    const machine = await open(sshd);
    await rm(socketTo(sshd));
    await machine.run(command('true'));
    expect(await connectionsTo(sshd)).toBe(2);
    await expect.poll(() => connectionsTo(sshd), { timeout: 20_000 }).toBe(1);
    // The one that is held stays, however long nothing is done with it.
    await machine.run(command('true'));
    expect(await connectionsTo(sshd)).toBe(1);
  });

  test('ends a program over there that was stopped', async () => {
    const machine = await open(await bed());
    const stopped = machine.open(command('sh', '-c', 'echo $$; kill -STOP $$; exec sleep 300'));
    const [pid] = (await once(stopped.stdout, 'data')) as [Buffer];
    await expect.poll(async () => (await machine.run(command('ps', '-o', 'stat=', '-p', pid.toString().trim()))).stdout).toContain('T');
    stopped.kill();
    await stopped.ended;
    expect((await machine.run(command('ps', '-o', 'stat=', '-p', pid.toString().trim()), { answers: [0, 1] })).stdout.trim()).toBe('');
  });

  test('says that the connection was lost, when it was lost in the middle', async () => {
    const sshd = await bed();
    const machine = await open(sshd);
    const running = failureOf(machine.run(command('sleep', '30')));
    await machine.run(command('true'));
    await sshd.stop();
    expect((await running).failure.reason).toContain('ssh lost the connection');
  });

  test('says that the host does not answer', async () => {
    const sshd = await bed();
    await sshd.stop();
    await expect(open(sshd)).rejects.toThrow('Cannot connect to "bed" over ssh: the host does not answer');
  });

  test('says that the key was refused', async () => {
    await expect(open(await bed({ authorized: false }))).rejects.toThrow('the host refused the key or password');
  });

  test('says that the host key is unknown', async () => {
    await expect(open(await bed({ knownHost: false }))).rejects.toThrow('the host key is unknown');
  });

  test('leaves no socket behind', async () => {
    const sshd = await bed();
    const machine = await open(sshd);
    const directory = path.dirname(socketTo(sshd));
    expect(existsSync(directory)).toBe(true);
    await machine.close();
    expect(existsSync(directory)).toBe(false);
  });

  test('forwards a port of the far side', async () => {
    const server = createServer((_, response) => response.end('from the far side'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const bound = server.address();
    if (bound === null || typeof bound === 'string') throw new Error('A TCP server has no port');
    const machine = await open(await bed());
    const forwarded = await machine.forward(bound.port);
    const { localPort } = forwarded;
    expect(localPort).not.toBe(bound.port);
    const headers = { connection: 'close' };
    expect(await (await fetch(`http://127.0.0.1:${localPort}/`, { headers })).text()).toBe('from the far side');
    await forwarded.close();
    await expect(fetch(`http://127.0.0.1:${localPort}/`, { headers })).rejects.toThrow('fetch failed');
    server.close();
  });
});

describe.skipIf(noSshd !== null)('sudo over ssh', () => {
  const programs = { sudo: sudoThatAsks, id: ordinaryUser };

  test('the password goes to the prompt alone: the program gets its input and nothing else', async () => {
    const sshd = await bed({ programs });
    let asked = 0;
    const machine = await open(sshd, {
      askPassword: async () => {
        asked += 1;
        return password;
      },
    });
    const result = await machine.run(as('root', command('cat')), { input: 'the data\n' });
    expect(result).toEqual({ exitCode: 0, stdout: 'the data\n', stderr: '' });

    const opened = machine.open(as({ user: 'plex' }, command('sh', '-c', 'cat; echo complaint >&2')));
    opened.stdin.end('more data');
    let received = '';
    for await (const chunk of opened.stdout) received += String(chunk);
    expect(received).toBe('more data');
    expect(await opened.ended).toEqual({ exitCode: 0, signal: null, stderrTail: 'complaint\n' });
    expect(asked).toBe(1);

    const seen = await readFile(`${sshd.directory}/sudo-arguments`, 'utf8');
    expect(seen).toContain('-u plex');
    expect(seen).not.toContain(password);
  });

  test('a wrong password is not tried twice, and appears nowhere', async () => {
    let asked = 0;
    const machine = await open(await bed({ programs }), {
      askPassword: async () => {
        asked += 1;
        return 'battery staple';
      },
    });
    const attempts = await Promise.allSettled([machine.run(as('root', command('true'))), machine.run(as('root', command('true')))]);
    expect(asked).toBe(1);
    for (const attempt of attempts) {
      expect(attempt.status).toBe('rejected');
      const { reason } = attempt as PromiseRejectedResult;
      expect(reason).toBeInstanceOf(PlexliftError);
      expect(String(reason)).toContain('sudo refused the password');
      expect(JSON.stringify(reason) + String(reason) + (reason as PlexliftError).facts.join()).not.toContain('battery staple');
    }
  });

  test('says what to do where nobody can be asked', async () => {
    const machine = await open(await bed({ programs }));
    await expect(machine.run(as('root', command('true')))).rejects.toThrow('sudo asks for a password and nobody can be asked for it');
    const opened = machine.open(as('root', command('true')));
    opened.stdout.resume();
    expect(await opened.ended).toMatchObject({ exitCode: null, stderrTail: expect.stringContaining('nobody can be asked') as string });
  });
});
