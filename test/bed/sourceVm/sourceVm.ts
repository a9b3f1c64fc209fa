import { mkdtemp } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bootMachine } from './bootMachine.ts';
import { cleanUp, endMachine } from './endMachine.ts';
import { tryOnHost, type CommandOutcome } from './hostCommand.ts';
import { installHostPackages } from './hostPackages.ts';
import { makeCgroups } from './machineCgroup.ts';
import { machineAddress, makeBridge, writeNetworkUnit } from './machineNetwork.ts';
import { claimSlot, type MachineSlot } from './machineRecord.ts';
import { allowSudo, copyDataDirectory, installPlexPackage, mountRoot, nameMachine, type SudoMode } from './machineRoot.ts';
import { rootFileSystem } from './rootFileSystem.ts';
import { setUpSshAccess, SSH_ALIAS } from './sshAccess.ts';

/** What a source machine is made of. */
export interface SourceVmOptions {
  /** The machine's host name; default "plex-source". Machines may share one. */
  readonly name?: string;
  /** A Plex data directory to copy in before the first boot; without it none is there. */
  readonly dataDirectory?: string;
  /** Host directory mounted at /mnt/nas-plex. */
  readonly mediaDirectory: string;
  /** Host directory mounted at /mnt/nas-plex-optimized. */
  readonly optimizedDirectory: string;
  /** Whether alex's sudo asks for a password (which is "alex"); default "nopasswd". */
  readonly sudo?: SudoMode;
  /** A .deb that installs plexmediaserver.service, which is then enabled. */
  readonly plexDeb?: string;
  /** Whether the machine has Python, as Ubuntu Server does; default true. */
  readonly python?: boolean;
}

/** A running Linux machine with systemd and sshd, of its own mount, PID, network, UTS and IPC namespaces. */
export interface SourceVm {
  readonly address: string;
  /** For `ssh -F`: knows the machine as "plex-source" and by its address, with user, key and host key. */
  readonly sshConfigFile: string;
  /** `alex@ADDRESS`, found by `sshConfigFile`. */
  readonly sshDestination: string;
  /** The machine's "/" as the host sees it, without what the machine mounts over it (/tmp, /run, /mnt/…). */
  readonly root: string;
  /** Runs a shell command as root inside the machine, not through ssh; at most one minute unless told otherwise. */
  run(command: string, options?: { readonly timeoutMs?: number }): Promise<CommandOutcome>;
  /** Reboots the machine and returns when it is up again and sshd answers. */
  reboot(): Promise<void>;
  /** Shuts the machine down and removes everything it was made of; may be called again. */
  stop(): Promise<void>;
}

const SSHD_TIMEOUT_MS = 30_000;

/** Boots a source machine and returns when systemd says "running" and sshd lets alex in; machines left behind by crashed runs are removed first. */
export async function startSourceVm(options: SourceVmOptions): Promise<SourceVm> {
  const name = options.name ?? SSH_ALIAS;
  if (!/^[a-z]([a-z0-9-]*[a-z0-9])?$/.test(name)) throw new Error(`Cannot name a source machine "${name}": a host name has small letters, digits and hyphens`);
  await installHostPackages();
  await cleanUp();
  const cachedRoot = await rootFileSystem({ python: options.python ?? true });
  const slot = await claimSlot(await mkdtemp(path.join(os.tmpdir(), 'plexlift-source-')));
  try {
    return await start(slot, { ...options, name, cachedRoot });
  } catch (error) {
    await endMachine(slot);
    throw error;
  }
}

async function start(slot: MachineSlot, options: SourceVmOptions & { readonly name: string; readonly cachedRoot: string }): Promise<SourceVm> {
  const { id, workDirectory } = slot.record;
  const address = machineAddress(slot.subnet);

  const root = await mountRoot(options.cachedRoot, workDirectory);
  await nameMachine(root, options.name);
  await allowSudo(root, options.sudo ?? 'nopasswd');
  await writeNetworkUnit(root, slot.subnet);
  const sshConfigFile = await setUpSshAccess({ root, directory: path.join(workDirectory, 'ssh'), address });
  if (options.plexDeb !== undefined) await installPlexPackage(root, options.plexDeb);
  if (options.dataDirectory !== undefined) await copyDataDirectory(root, options.dataDirectory);

  await makeBridge(id, slot.subnet);
  const machine = await bootMachine({
    id,
    root,
    name: options.name,
    binds: [
      { from: path.resolve(options.mediaDirectory), to: '/mnt/nas-plex' },
      { from: path.resolve(options.optimizedDirectory), to: '/mnt/nas-plex-optimized' },
    ],
    cgroups: await makeCgroups(id),
    consoleFile: path.join(workDirectory, 'console.log'),
  });
  await machine.waitUntilUp();
  await waitForSshd(sshConfigFile);

  return {
    address,
    sshConfigFile,
    sshDestination: `alex@${address}`,
    root,
    async run(command, runOptions) {
      return machine.run(command, runOptions);
    },
    async reboot() {
      await machine.reboot();
      await waitForSshd(sshConfigFile);
    },
    async stop() {
      await machine.powerOff();
      await endMachine(slot);
    },
  };
}

async function waitForSshd(sshConfigFile: string): Promise<void> {
  const deadline = Date.now() + SSHD_TIMEOUT_MS;
  for (;;) {
    const outcome = await tryOnHost(['ssh', '-F', sshConfigFile, '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=5', SSH_ALIAS, 'true']);
    if (outcome.exitCode === 0) return;
    if (Date.now() > deadline) throw new Error(`Cannot reach the source machine over ssh: ${outcome.stderr}`);
    await sleep(200);
  }
}
