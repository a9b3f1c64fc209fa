import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { tryOnHost, type CommandOutcome } from './hostCommand.ts';
import { findContainerInit, identifyProcess, isAlive, sendSignal, waitForEnd, type HostProcess } from './hostProcess.ts';
import { bridgeName } from './machineNetwork.ts';

/** What systemd-nspawn is told: `binds` are host directories and where they are mounted inside, `cgroups` the directories to start in. */
export interface BootOptions {
  readonly id: string;
  readonly name: string;
  readonly root: string;
  readonly binds: readonly { readonly from: string; readonly to: string }[];
  readonly cgroups: readonly string[];
  readonly consoleFile: string;
}

/** A machine whose init has been started. */
export interface BootedMachine {
  run(command: string, options?: { readonly timeoutMs?: number }): Promise<CommandOutcome>;
  waitUntilUp(): Promise<void>;
  reboot(): Promise<void>;
  powerOff(): Promise<void>;
}

const BOOT_TIMEOUT_MS = 120_000;

const REBOOT_TIMEOUT_MS = 150_000;

/** systemd gives a unit 90 s to stop; a machine of a bed need not be given longer than this. */
const POWER_OFF_TIMEOUT_MS = 30_000;

const POLL_MS = 200;

/** What systemd as init takes for "power off, in order": SIGRTMIN+4, and SIGRTMIN is 34 on Linux. */
const POWER_OFF_SIGNAL = 38;

/**
 * Joins the control groups named first (a count, then directories), then runs systemd-nspawn until the machine is powered off.
 * With --keep-unit systemd-nspawn leaves the second half of a reboot to its caller and exits with 133.
 * Its working directory becomes a tmpfs of its own: where /run is not one already, its end fails with "Attempted to remove disk file system".
 */
const SUPERVISE = [
  'set -e',
  'n=$1; shift',
  'while [ "$n" -gt 0 ]; do echo $$ >"$1/cgroup.procs"; shift; n=$((n - 1)); done',
  'mount -t tmpfs -o mode=0755 tmpfs /run/systemd/nspawn',
  'while :; do',
  '  status=0; systemd-nspawn "$@" || status=$?',
  '  [ "$status" -eq 133 ] || exit "$status"',
  'done',
].join('\n');

/** Starts systemd-nspawn on a prepared root and returns when its init exists. */
export async function bootMachine(options: BootOptions): Promise<BootedMachine> {
  const supervisor = await startSupervisor(options);
  await findInit();

  async function findInit(except?: HostProcess, timeoutMs: number = BOOT_TIMEOUT_MS): Promise<HostProcess> {
    const deadline = Date.now() + timeoutMs;
    while (Date.now() < deadline) {
      if (!isAlive(supervisor)) throw new Error(`Cannot boot "${options.name}": systemd-nspawn has ended\n${await consoleEnd(options)}`);
      const init = await findContainerInit(supervisor.pid);
      if (init !== undefined && (init.pid !== except?.pid || init.startedAtTicks !== except.startedAtTicks)) return init;
      await sleep(POLL_MS);
    }
    throw new Error(`Cannot boot "${options.name}": it had no init after ${timeoutMs / 1000} s\n${await consoleEnd(options)}`);
  }

  async function run(command: string, runOptions: { readonly timeoutMs?: number } = {}): Promise<CommandOutcome> {
    const init = await findInit();
    const inside = ['env', '--ignore-environment', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root', 'LANG=C.UTF-8', '/bin/sh', '-c', command];
    return tryOnHost(['nsenter', '--target', String(init.pid), '--all', '--', ...inside], runOptions);
  }

  async function waitUntilUp(): Promise<void> {
    const deadline = Date.now() + BOOT_TIMEOUT_MS;
    let state = 'not asked yet';
    while (Date.now() < deadline) {
      // Exits with 1 for every state but "running", also while systemd cannot be asked yet.
      state = (await run('systemctl is-system-running')).stdout;
      if (state === 'running') return;
      if (state === 'degraded') break;
      await sleep(POLL_MS);
    }
    const units = await run('systemctl --failed --no-legend --plain; systemctl list-jobs --no-legend; journalctl --no-pager --lines 60');
    throw new Error(`Cannot bring up "${options.name}": its state is "${state}"\n${units.stdout}\n${units.stderr}`);
  }

  async function reboot(): Promise<void> {
    const before = await findInit();
    await run('systemctl reboot');
    await findInit(before, REBOOT_TIMEOUT_MS);
    await waitUntilUp();
  }

  async function powerOff(): Promise<void> {
    const init = await findContainerInit(supervisor.pid);
    if (init === undefined) return;
    sendSignal(init, POWER_OFF_SIGNAL);
    await waitForEnd(supervisor, POWER_OFF_TIMEOUT_MS);
  }

  return { run, waitUntilUp, reboot, powerOff };
}

async function startSupervisor(options: BootOptions): Promise<HostProcess> {
  const nspawn = [
    '--quiet', '--boot', `--directory=${options.root}`, `--machine=${bridgeName(options.id)}`, `--hostname=${options.name}`,
    `--network-bridge=${bridgeName(options.id)}`,
    // Both are needed where PID 1 of the host is not systemd.
    '--register=no', '--keep-unit',
    '--console=pipe', '--link-journal=no', '--resolv-conf=off', '--timezone=off',
    ...options.binds.map(({ from, to }) => `--bind=${escapeColons(from)}:${escapeColons(to)}`),
  ];
  const consoleHandle = await open(options.consoleFile, 'a', 0o600);
  try {
    await mkdir('/run/systemd/nspawn', { recursive: true });
    const argv = ['--mount', '--propagation', 'slave', 'sh', '-c', SUPERVISE, 'sh', String(options.cgroups.length), ...options.cgroups, ...nspawn];
    // Detached: a Ctrl-C meant for the tests must not reach the machine before the tests have put their things away.
    const child = spawn('unshare', argv, { detached: true, stdio: ['ignore', consoleHandle.fd, consoleHandle.fd] });
    await once(child, 'spawn');
    child.unref();
    const supervisor = child.pid === undefined ? undefined : identifyProcess(child.pid);
    if (supervisor === undefined) throw new Error(`Cannot boot "${options.name}": systemd-nspawn ended at once\n${await consoleEnd(options)}`);
    return supervisor;
  } finally {
    await consoleHandle.close();
  }
}

async function consoleEnd(options: BootOptions): Promise<string> {
  const text = await readFile(options.consoleFile, 'utf8');
  return text.split('\n').slice(-40).join('\n');
}

/** A colon separates the parts of --bind. */
function escapeColons(file: string): string {
  return file.replaceAll('\\', '\\\\').replaceAll(':', '\\:');
}
