import { mkdtemp, rm } from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { assemble } from '../../src/cli/assemble.ts';
import { settleCatalogue } from '../../src/catalogue/integrity/settle.ts';
import { databasesDirectory, isDatedBackup } from '../../src/plex/dataDirectory.ts';
import type { Source } from '../../src/sources/source.ts';
import { makeLibrary } from '../bed/library/makeLibrary.ts';
import { fatten } from '../bed/load/fatten.ts';
import type { LoadedDatabase } from '../bed/load/loadModel.ts';
import type { Start } from '../bed/load/moments.ts';
import { momentOf, startOf } from '../bed/load/moments.ts';
import { buildPlexDeb, defaultPlexVersion } from '../bed/plexServer/build.ts';
import { commandOf, runningProcesses, signalProcesses } from '../bed/runningProcesses.ts';
import type { SourceVm } from '../bed/sourceVm/sourceVm.ts';
import { startSourceVm } from '../bed/sourceVm/sourceVm.ts';
import { literalTerminal } from '../cli/literalTerminal.ts';
import { sourceDataDirectory } from './sidesOfStage.ts';

/** How far a load is with one database, and how long its transactions took since it was last asked. */
export interface LoadProgress {
  readonly commits: number;
  readonly measured: number;
  readonly longestMicros: number;
  readonly totalMicros: number;
  readonly largestLogBytes: number;
}

/** The databases that a load writes to. */
export const loadedDatabases = [
  { name: 'com.plexapp.plugins.library.db', kind: 'library' },
  { name: 'com.plexapp.plugins.library.blobs.db', kind: 'blobs' },
] as const;

/** A source machine whose server writes what can be computed, and plexlift's own way to it. */
export interface LoadedSource {
  readonly vm: SourceVm;
  readonly source: Source;
  readonly directory: string;
  /** The databases' directory as this computer sees it. */
  readonly databases: string;
  /** Makes the server write, so many transactions a second to each of the two databases; 0 ends that. */
  write(perSecond: number): Promise<void>;
  progress(): Promise<Readonly<Record<LoadedDatabase, LoadProgress>>>;
  /** Takes a catalogue into a new directory, and gives that back. */
  take(method: 'online' | 'files'): Promise<string>;
  /** What a taken catalogue shows: for each database the number of transactions in it, and what does not fit that. */
  moments(taken: string): Readonly<Record<LoadedDatabase, ReturnType<typeof momentOf>>>;
  /** Runs a shell command on the machine as root; throws unless it ends with 0. */
  shell(command: string): Promise<string>;
  /** Stops the server without any warning, in the middle of what it writes, and waits until its children are gone too. */
  killServer(): Promise<void>;
  startServer(): Promise<void>;
  /** Kills every ssh that leads to the machine; gives back how many were running. */
  cutLines(): number;
  close(): Promise<void>;
}

// No scan: it would find that the load's files do not exist. No restart: a killed server must stay down until the test looked at what it left.
const dropIn = '[Service]\\nEnvironment=STANDIN_SCAN_DELAY_MS=3600000 STANDIN_BUTLER_DELAY_MS=3600000\\nRestart=no\\n';
const unit = 'plexmediaserver.service';

/** Brings up the machine, its databases made larger by `fatBytes` each, and remembers what is in them before the first write of a load. */
export async function openLoadedSource({ python, fatBytes }: { readonly python: boolean; readonly fatBytes: number }): Promise<LoadedSource> {
  const directory = await mkdtemp(join(tmpdir(), 'plexlift-loaded-'));
  const [dataDirectory, mediaDirectory, optimizedDirectory] = ['library', 'media', 'optimized'].map((name) => join(directory, name)) as [string, string, string];
  await makeLibrary({ dataDirectory, mediaDirectory, optimizedDirectory, items: 60, seed: 7, version: defaultPlexVersion });
  await keepOneBackup(join(dataDirectory, databasesDirectory));
  fatten(join(dataDirectory, databasesDirectory), fatBytes);
  const vm = await startSourceVm({ dataDirectory, mediaDirectory, optimizedDirectory, plexDeb: await buildPlexDeb({ version: defaultPlexVersion }), python });
  let taken = 0;

  async function shell(command: string): Promise<string> {
    const { exitCode, stdout, stderr } = await vm.run(command);
    if (exitCode !== 0) throw new Error(`"${command}" ended with ${exitCode}: ${stderr}`);
    return stdout;
  }

  async function startServer(): Promise<void> {
    await shell(`systemctl reset-failed ${unit}; systemctl start ${unit}`);
    await shell('for i in $(seq 300); do curl --fail --silent --output /dev/null http://127.0.0.1:32400/identity && exit; sleep 0.1; done; exit 1');
  }

  const sides = await assemble(
    { source: { ssh: vm.sshDestination, sshConfig: vm.sshConfigFile, unit }, target: { directory: join(directory, 'target') }, paths: [{ from: '/mnt/nas-plex', to: '/media/library' }] },
    { terminal: literalTerminal(directory), record: () => undefined },
  );

  async function take(method: 'online' | 'files'): Promise<string> {
    taken += 1;
    const into = await mkdtemp(join(directory, `taken-${taken}-`));
    await sides.source.takeCatalogue(into, { method });
    return into;
  }

  await shell(`mkdir -p /etc/systemd/system/${unit}.d && printf '${dropIn}' >/etc/systemd/system/${unit}.d/bed.conf && systemctl daemon-reload && systemctl stop ${unit}`);
  const atRest = await take('files');
  await settleCatalogue(atRest);
  const starts = new Map<string, Start>(loadedDatabases.map(({ name }) => [name, startOf(join(atRest, databasesDirectory, name))]));
  await startServer();

  return {
    vm,
    source: sides.source,
    directory,
    databases: join(vm.root, sourceDataDirectory, databasesDirectory),
    shell,
    startServer,
    take,
    write: async (perSecond) => void (await shell(`curl --fail --silent --show-error --request POST 'http://127.0.0.1:32400/standin/load?perSecond=${perSecond}'`)),
    progress: async () => JSON.parse(await shell('curl --fail --silent --show-error http://127.0.0.1:32400/standin/load')) as Record<LoadedDatabase, LoadProgress>,
    moments(from) {
      const shown = loadedDatabases.map(({ name, kind }) => {
        const start = starts.get(name);
        if (start === undefined) throw new Error(`What was in ${name} at the start is not known`);
        return [kind, momentOf(join(from, databasesDirectory, name), { start, kind, withItems: true })];
      });
      return Object.fromEntries(shown) as Record<LoadedDatabase, ReturnType<typeof momentOf>>;
    },
    async killServer() {
      await shell(`systemctl kill --kill-who=main --signal=KILL ${unit}; while [ -n "$(cat /sys/fs/cgroup/*/system.slice/${unit}/cgroup.procs /sys/fs/cgroup/system.slice/${unit}/cgroup.procs 2>/dev/null)" ]; do sleep 0.1; done`);
      await wait(100);
    },
    cutLines() {
      // Only this machine's connections read that file. One that ends because another was killed before it is cut, too.
      const lines = runningProcesses().filter((pid) => /^\S*ssh /.test(commandOf(pid)) && commandOf(pid).includes(vm.sshConfigFile));
      return signalProcesses(lines.map((pid) => ({ pid })), 'SIGKILL');
    },
    async close() {
      await sides.close();
      await vm.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Each dated backup takes two more calls of ssh in each of many snapshots; one is enough to see that they are taken too. */
async function keepOneBackup(databases: string): Promise<void> {
  const [, ...others] = readdirSync(databases).filter(isDatedBackup);
  for (const name of others) await rm(join(databases, name));
}
