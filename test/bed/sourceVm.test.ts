import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runOnHost, tryOnHost, type CommandOutcome } from './sourceVm/hostCommand.ts';
import { PLEX_DATA_DIRECTORY } from './sourceVm/machineRoot.ts';
import { startSourceVm, type SourceVm } from './sourceVm/sourceVm.ts';

const BOOT_TIMEOUT_MS = 900_000;

const inPlex = (file: string): string => `'${PLEX_DATA_DIRECTORY}/${file}'`;

async function ssh(vm: SourceVm, command: string, destination = 'plex-source'): Promise<CommandOutcome> {
  return tryOnHost(['ssh', '-F', vm.sshConfigFile, '-o', 'BatchMode=yes', destination, command]);
}

/** A package with the shape of Plex's: its unit serves the data directory's Preferences.xml and takes a second to stop. */
async function buildSmallDeb(directory: string, type: 'simple' | 'oneshot' = 'simple'): Promise<string> {
  const tree = path.join(directory, 'package');
  const unit = [
    '[Unit]', 'After=network-online.target', 'Wants=network-online.target',
    '[Service]', `Type=${type}`, 'User=plex', 'Group=plex', 'ExecStart=/usr/lib/plexmediaserver/serve',
    '[Install]', 'WantedBy=multi-user.target', '',
  ];
  const program = [
    '#!/bin/sh',
    `cat "${PLEX_DATA_DIRECTORY}/Preferences.xml" >/var/lib/plexmediaserver/seen-at-start || exit 1`,
    `trap 'sleep 1; echo "stopped in order" >/mnt/nas-plex-optimized/stopped; exit 0' TERM`,
    'while :; do sleep 0.1; done', '',
  ];
  await mkdir(path.join(tree, 'DEBIAN'), { recursive: true });
  await mkdir(path.join(tree, 'lib/systemd/system'), { recursive: true });
  await mkdir(path.join(tree, 'usr/lib/plexmediaserver'), { recursive: true });
  await writeFile(path.join(tree, 'DEBIAN/control'), 'Package: plexmediaserver\nVersion: 1.43.4.1-0123abcde\nArchitecture: all\nMaintainer: bed\nDescription: test\n');
  await writeFile(path.join(tree, 'lib/systemd/system/plexmediaserver.service'), unit.join('\n'));
  await writeFile(path.join(tree, 'usr/lib/plexmediaserver/serve'), program.join('\n'), { mode: 0o755 });
  const deb = path.join(directory, 'small.deb');
  await runOnHost(['dpkg-deb', '--root-owner-group', '--build', tree, deb]);
  return deb;
}

async function makeDataDirectory(directory: string): Promise<string> {
  const data = path.join(directory, 'data');
  const databases = path.join(data, 'Plug-in Support/Databases');
  await mkdir(databases, { recursive: true });
  await writeFile(path.join(data, 'Preferences.xml'), '<Preferences MachineIdentifier="one"/>');
  await chmod(path.join(data, 'Preferences.xml'), 0o644);
  await writeFile(path.join(databases, 'com.plexapp.plugins.library.db'), 'database', { mode: 0o600 });
  return data;
}

/** What one machine has on the host while it runs: taken from the outside, to be asked again after its end. */
interface Footprint {
  readonly workDirectory: string;
  readonly device: string;
}

async function footprintOf(vm: SourceVm): Promise<Footprint> {
  const hostAddress = vm.address.replace(/\d+$/, '1/24');
  const line = (await runOnHost(['ip', '-oneline', '-4', 'address'])).split('\n').find((address) => address.includes(` ${hostAddress} `));
  const device = line?.split(/\s+/)[1];
  if (device === undefined) throw new Error(`No device of the host has the address "${hostAddress}"`);
  return { workDirectory: path.dirname(vm.root), device };
}

/** Mounts, devices, control groups, processes, records and files that belong to the machine. */
async function remainsOf({ workDirectory, device }: Footprint): Promise<readonly string[]> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').filter((line) => line.includes(workDirectory));
  const devices = (await runOnHost(['ip', '-brief', 'link'])).split('\n').filter((line) => line.includes(device));
  const groups = (await runOnHost(['find', '/sys/fs/cgroup', '-type', 'd', '-name', `*${device.replace('plx-', '')}*`])).split('\n').filter((line) => line !== '');
  const records = await tryOnHost(['grep', '--recursive', '--files-with-matches', workDirectory, '/run/plexlift-beds']);
  const processes: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (commandLine.includes(workDirectory)) processes.push(commandLine.replaceAll('\0', ' '));
  }
  const files = existsSync(workDirectory) ? [workDirectory] : [];
  return [...mounts, ...devices, ...groups, ...processes, ...records.stdout.split('\n').filter((line) => line !== ''), ...files];
}

describe.skipIf(!process.env['PLEXLIFT_E2E'])('the source machine', { timeout: 60_000 }, () => {
  let directory: string;
  let media: { mediaDirectory: string; optimizedDirectory: string };

  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'plexlift-source-test-'));
    media = { mediaDirectory: path.join(directory, 'media:one'), optimizedDirectory: path.join(directory, 'optimized') };
    await mkdir(media.mediaDirectory);
    await mkdir(media.optimizedDirectory);
    await chmod(media.optimizedDirectory, 0o777);
    await writeFile(path.join(media.mediaDirectory, 'a film.mkv'), 'moving pictures');
  });

  afterAll(async () => rm(directory, { recursive: true, force: true }));

  describe('with Plex, its data, and sudo without a password', () => {
    let vm: SourceVm;

    beforeAll(async () => {
      vm = await startSourceVm({ ...media, plexDeb: await buildSmallDeb(directory), dataDirectory: await makeDataDirectory(directory) });
    }, BOOT_TIMEOUT_MS);

    afterAll(async () => vm.stop(), 60_000);

    it('lets alex in over ssh by its alias and by its address', async () => {
      expect(await ssh(vm, 'whoami; id -u; hostname')).toMatchObject({ stdout: 'alex\n1001\nplex-source', exitCode: 0 });
      expect(await ssh(vm, 'whoami', vm.sshDestination)).toMatchObject({ stdout: 'alex', stderr: '', exitCode: 0 });
    });

    it('refuses a caller without the key', async () => {
      const outcome = await tryOnHost(['ssh', '-F', vm.sshConfigFile, '-o', 'BatchMode=yes', '-o', 'PubkeyAuthentication=no', vm.sshDestination, 'true']);
      expect(outcome).toMatchObject({ exitCode: 255, stderr: expect.stringContaining('Permission denied') });
    });

    it('runs sudo without asking', async () => {
      expect(await ssh(vm, 'sudo -n id -u')).toMatchObject({ stdout: '0', stderr: '', exitCode: 0 });
    });

    it('is a whole running system with Plex up under its own user', async () => {
      expect((await vm.run('systemctl is-system-running')).stdout).toBe('running');
      expect((await vm.run('systemctl show plexmediaserver -p ActiveState,User --value')).stdout.split('\n').sort()).toEqual(['active', 'plex']);
      expect((await vm.run('dpkg-query -W -f \'${Version}\' plexmediaserver')).stdout).toBe('1.43.4.1-0123abcde');
      expect((await vm.run('ps -o user= -p $(systemctl show plexmediaserver -p MainPID --value)')).stdout.trim()).toBe('plex');
    });

    it('had the data in place, owned by plex, before Plex first started', async () => {
      expect((await vm.run('cat /var/lib/plexmediaserver/seen-at-start')).stdout).toContain('MachineIdentifier="one"');
      const modes = await vm.run(`stat -c '%U:%G %u %a' ${inPlex('Preferences.xml')} ${inPlex('Plug-in Support/Databases/com.plexapp.plugins.library.db')}`);
      expect(modes.stdout).toBe('plex:plex 997 600\nplex:plex 997 644');
    });

    it('shows the media at real mounts', async () => {
      expect((await ssh(vm, 'cat "/mnt/nas-plex/a film.mkv"; mountpoint /mnt/nas-plex /mnt/nas-plex-optimized; mountpoint /mnt/nas-plex-optimized')).stdout)
        .toContain('moving pictures');
      expect((await vm.run('mountpoint /mnt/nas-plex && mountpoint /mnt/nas-plex-optimized')).exitCode).toBe(0);
    });

    it('has Python with SQLite, and no way out of the beds', async () => {
      expect((await ssh(vm, 'python3 -c "import sqlite3, http.server"'))).toMatchObject({ exitCode: 0 });
      expect((await vm.run('ip route show default')).stdout).toBe('');
    });

    it('shows its files to the host', async () => {
      await vm.run('echo inside >/var/lib/plexmediaserver/note');
      expect(await readFile(path.join(vm.root, 'var/lib/plexmediaserver/note'), 'utf8')).toBe('inside\n');
    });

    it('comes back from a reboot, whoever asks for it, and keeps a mask', async () => {
      const bootId = 'cat /proc/sys/kernel/random/boot_id';
      const before = await vm.run(bootId);
      await vm.run('systemctl mask --now plexmediaserver');
      await vm.reboot();
      expect((await ssh(vm, bootId)).stdout).not.toBe(before.stdout);
      expect((await vm.run('systemctl is-enabled plexmediaserver')).stdout).toBe('masked');
      expect((await vm.run('systemctl is-active plexmediaserver')).stdout).toBe('inactive');
      await vm.run('systemctl unmask plexmediaserver && systemctl start plexmediaserver');
    }, 120_000);

    it('stops in order and leaves nothing behind', async () => {
      const stopped = path.join(media.optimizedDirectory, 'stopped');
      await rm(stopped, { force: true });
      const footprint = await footprintOf(vm);
      // Overlay, bridge and veth, groups, supervisor and systemd-nspawn, record, files: proof that the same look can see them.
      expect((await remainsOf(footprint)).length).toBeGreaterThan(7);
      await vm.stop();
      expect(await remainsOf(footprint)).toEqual([]);
      expect(await readFile(stopped, 'utf8')).toBe('stopped in order\n');
      expect(await readFile(path.join(media.mediaDirectory, 'a film.mkv'), 'utf8')).toBe('moving pictures');
    }, 60_000);
  });

  it('asks for a password for sudo when told to', async () => {
    const vm = await startSourceVm({ ...media, sudo: 'password' });
    try {
      expect(await ssh(vm, 'sudo -n true')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('a password is required') });
      expect(await ssh(vm, 'echo wrong | sudo -S -p ask id -u')).toMatchObject({ stdout: '', exitCode: 1 });
      expect(await ssh(vm, 'echo alex | sudo -S -p ask id -u')).toMatchObject({ stdout: '0', stderr: 'ask', exitCode: 0 });
    } finally {
      await vm.stop();
    }
  }, BOOT_TIMEOUT_MS);

  it('has no Python when told so', async () => {
    const vm = await startSourceVm({ ...media, python: false });
    try {
      expect((await ssh(vm, 'command -v python3 python')).stdout).toBe('');
      expect((await ssh(vm, 'sqlite3 :memory: "select 1"; tar --version | head -1')).stdout).toMatch(/^1\ntar \(GNU tar\)/);
    } finally {
      await vm.stop();
    }
  }, BOOT_TIMEOUT_MS);

  it('runs two at once that know nothing of each other', async () => {
    const deb = await buildSmallDeb(directory);
    const dataDirectory = await makeDataDirectory(directory);
    const vms = await Promise.all(['one', 'two'].map(async (name) => startSourceVm({ ...media, name, plexDeb: deb, dataDirectory })));
    const footprints: Footprint[] = [];
    try {
      footprints.push(...(await Promise.all(vms.map(footprintOf))));
      const [one, two] = vms;
      if (one === undefined || two === undefined) throw new Error('Two machines were asked for');
      expect(one.address).not.toBe(two.address);
      expect((await ssh(one, 'hostname; cat /etc/machine-id')).stdout).not.toBe((await ssh(two, 'hostname; cat /etc/machine-id')).stdout);
      // Stopping a unit ends all processes of its control group: in a shared one the other machine's Plex would die with it.
      await one.run('systemctl stop plexmediaserver');
      expect((await one.run('systemctl is-active plexmediaserver')).stdout).toBe('inactive');
      expect((await two.run('systemctl is-active plexmediaserver')).stdout).toBe('active');
      await one.stop();
      expect(await ssh(two, 'true')).toMatchObject({ exitCode: 0 });
    } finally {
      await Promise.all(vms.map(async (vm) => vm.stop()));
    }
    for (const footprint of footprints) expect(await remainsOf(footprint)).toEqual([]);
  }, BOOT_TIMEOUT_MS);

  it('removes what a killed run left behind', async () => {
    const marker = `left-${randomBytes(4).toString('hex')}`;
    const module = path.join(import.meta.dirname, 'sourceVm/sourceVm.ts');
    const program = `
      const { startSourceVm } = await import(${JSON.stringify(module)});
      const vm = await startSourceVm(${JSON.stringify({ ...media, name: marker })});
      process.stdout.write(JSON.stringify(vm), () => process.kill(process.pid, 'SIGKILL'));`;
    const killed = await tryOnHost([process.execPath, '--input-type=module', '--eval', program], { timeoutMs: 120_000 });
    const left = JSON.parse(killed.stdout) as SourceVm;
    expect(killed.exitCode).not.toBe(0);
    expect(await ssh(left, 'hostname')).toMatchObject({ stdout: marker });
    const footprint = await footprintOf(left);

    const next = await startSourceVm(media);
    try {
      expect(await remainsOf(footprint)).toEqual([]);
      expect(await ssh(next, 'hostname')).toMatchObject({ stdout: 'plex-source' });
    } finally {
      await next.stop();
    }
  }, BOOT_TIMEOUT_MS);

  it('leaves nothing behind when it cannot start', async () => {
    const before = (await readdir(os.tmpdir())).filter((name) => name.startsWith('plexlift-source-'));
    await expect(startSourceVm({ ...media, plexDeb: path.join(media.mediaDirectory, 'a film.mkv') })).rejects.toThrow('dpkg');
    const after = (await readdir(os.tmpdir())).filter((name) => name.startsWith('plexlift-source-'));
    expect(after.filter((name) => !before.includes(name))).toEqual([]);
  }, BOOT_TIMEOUT_MS);

  it('says which units failed when the machine comes up degraded', async () => {
    // Its program ends with 1 without a data directory, and systemd waits for the end of a oneshot unit before it calls the boot complete.
    const plexDeb = await buildSmallDeb(directory, 'oneshot');
    await expect(startSourceVm({ ...media, plexDeb })).rejects.toThrow(/"degraded"[^]*plexmediaserver\.service/);
  }, BOOT_TIMEOUT_MS);
});
