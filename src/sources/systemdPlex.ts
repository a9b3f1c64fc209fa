import { setTimeout as wait } from 'node:timers/promises';
import { PlexliftError, messageOf } from '../errors.ts';
import { as, command } from '../machines/command.ts';
import { deferredProcess } from '../machines/deferredProcess.ts';
import type { Machine } from '../machines/machine.ts';
import { databasesDirectory, preferencesFile } from '../plex/dataDirectory.ts';
import { readPreferences } from '../plex/preferences.ts';
import { readSessions } from '../server/sessions.ts';
import { pagesIn, type Tree } from '../transfer/entry.ts';
import { fingerprint, listCatalogue } from './catalogueCopy.ts';
import type { CataloguePlace } from './catalogueCopy.ts';
import { localTree } from './dataDirectory.ts';
import { askIdentity, awaitIdentity, plexPort } from './identityAnswer.ts';
import { copyOnline } from './onlineCopy.ts';
import { checkIntegrityThere, findOwnSqlite } from './ownSqlite.ts';
import { databaseUsers, plexProcesses } from './plexProcesses.ts';
import { findPlexService } from './plexService.ts';
import type { PlexService } from './plexService.ts';
import type { Source } from './source.ts';
import { bulkOf, clockSkewSeconds, findCopyTool, memoryPeakBytes, sampleFile, scratchFreeBytes, storedIdentity, timeZoneOf, toolVersions } from './sourceProbes.ts';
import { systemdChecks } from './systemdChecks.ts';
import { installedVersion } from './installedVersion.ts';
import { takeCatalogueOf } from './takeCatalogue.ts';
import { isUnitKeptStopped, keepUnitStopped, letUnitStart, readUnit, startUnit, stopUnit } from './systemdUnit.ts';

/** A machine that may lead to a port of its own, as one behind ssh does; without that, its ports are taken to be this computer's. */
export type SourceMachine = Machine & {
  forward?(remotePort: number): Promise<{ readonly localPort: number; close(): Promise<void> }>;
  close?(): Promise<void>;
};

/** What a Plex kept by systemd is called. */
export interface SystemdPlexOptions {
  /** Default: `plexmediaserver.service`. */
  readonly unit?: string | undefined;
  /** Directories of media, to which links in the data directory are not followed. */
  readonly media?: readonly string[];
}

/** Programs whose versions are recorded. */
const recordedTools = ['find', 'tar', 'sha256sum', 'python3', 'sqlite3', 'systemctl', 'curl'];

/** Milliseconds until the processes must be gone after systemd was told to stop the unit; tools in the field wait 60 to 90 s. */
const goneTimeoutMs = 120_000;

/** Milliseconds until a started server must answer. */
const answerTimeoutMs = 60_000;

/** A Plex that systemd runs on a Linux machine, as the vendor's package sets it up. */
export function systemdPlex(machine: SourceMachine, options: SystemdPlexOptions = {}): Source {
  const unit = options.unit ?? 'plexmediaserver.service';
  let found: Promise<PlexService> | null = null;

  function service(): Promise<PlexService> {
    found ??= findPlexService(machine, unit).catch((error: unknown) => {
      found = null;
      throw error;
    });
    return found;
  }

  /** The data directory's tree; where it lies is asked when it is first used. */
  function tree(pace: { readonly givesWay: boolean }): Tree {
    const found = async (): Promise<Tree> => localTree(machine, { directory: (await service()).dataDirectory, as: 'root', followsLinksOut: true, media: options.media ?? [], ...pace });
    return {
      name: `the data directory on ${machine.name}`,
      async *pages(listOptions) {
        yield* pagesIn(await found(), listOptions?.signal);
      },
      async *list(listOptions) {
        yield* (await found()).list(listOptions);
      },
      read: (entries, owner) => deferredProcess(async () => (await found()).read(entries, owner)),
    };
  }

  async function place(): Promise<CataloguePlace> {
    return { machine, directory: (await service()).dataDirectory, as: 'root' };
  }

  async function processes() {
    const { home } = await service();
    const { controlGroup } = await readUnit(machine, unit);
    return plexProcesses(machine, { home, controlGroup });
  }

  async function isRunning(): Promise<boolean> {
    return (await processes()).length > 0;
  }

  async function inTheWay() {
    const { dataDirectory } = await service();
    return [...(await processes()), ...(await databaseUsers(machine, { directory: dataDirectory, user: 'root' }))];
  }

  async function token(): Promise<string | null> {
    const { dataDirectory } = await service();
    const read = (name: string) => machine.run(as('root', command('cat', '--', `${dataDirectory}/${name}`)), { answers: [0, 1] });
    const preferences = await read(preferencesFile);
    const owner = preferences.exitCode === 0 ? readPreferences(Buffer.from(preferences.stdout)).get('PlexOnlineToken') : null;
    if (owner !== null && owner !== '') return owner;
    const local = await read('.LocalAdminToken');
    return local.exitCode === 0 && local.stdout.trim() !== '' ? local.stdout.trim() : null;
  }

  async function reach() {
    if (machine.forward === undefined) return { baseUrl: `http://127.0.0.1:${plexPort}`, close: async () => undefined };
    const forwarded = await machine.forward(plexPort);
    return { baseUrl: `http://127.0.0.1:${forwarded.localPort}`, close: () => forwarded.close() };
  }

  const treeWhileServing = tree({ givesWay: true });

  return {
    kind: 'systemd',
    name: machine.name,
    checks: systemdChecks({ machine, unit, service, isRunning }),
    async describe() {
      const { user, home, dataDirectory } = await service();
      const now = await readUnit(machine, unit);
      const serving = await processes();
      const running = serving.length > 0;
      const [version, identity, bulk, catalogue, ownSqlite] = await Promise.all([
        installedVersion(machine, running ? await askIdentity(machine) : null),
        storedIdentity(machine, { directory: dataDirectory, user: 'root' }),
        bulkOf(treeWhileServing),
        listCatalogue(await place()),
        findOwnSqlite(machine, home),
      ]);
      return {
        kind: 'systemd',
        name: machine.name,
        dataDirectory,
        ...version,
        running,
        service: {
          unit,
          user: user === 'root' || user === 'login' ? 'root' : user.user,
          group: now.group,
          activeState: now.activeState,
          enabledState: now.enabledState,
          fragmentPath: now.fragmentPath,
          dropInPaths: now.dropInPaths,
        },
        ...identity,
        hostName: (await machine.run(command('uname', '-n'))).stdout.trim(),
        ...bulk,
        databaseBytes: catalogue.reduce((sum, file) => sum + file.sizeBytes, 0),
        scratchFreeBytes: await scratchFreeBytes(machine),
        clockSkewSeconds: await clockSkewSeconds(machine),
        timeZone: await timeZoneOf(machine),
        memoryPeakBytes: await memoryPeakBytes(machine, serving.map(({ processId }) => processId)),
        tools: { ...(await toolVersions(machine, recordedTools)), ...(ownSqlite === null ? {} : { 'Plex SQLite': ownSqlite }) },
      };
    },
    tree: tree({ givesWay: false }),
    treeWhileServing,
    async takeCatalogue(into, { method, signal }) {
      const { user, home, dataDirectory } = await service();
      return takeCatalogueOf({
        place: await place(),
        method,
        into,
        signal,
        async copyDatabases(names) {
          if (names.length === 0) return { files: [], unfit: [] };
          const tool = await findCopyTool(machine, { ownSqlite: await findOwnSqlite(machine, home) });
          if (tool === null) throw new PlexliftError('failed', `Cannot copy the databases on ${machine.name} while they are in use: neither Python 3.7, "Plex SQLite" nor sqlite3 is there`, { remedy: `Install python3 on ${machine.name}` });
          return copyOnline({ machine, tool, as: user, directory: dataDirectory, names, into, signal });
        },
      });
    },
    async activity() {
      const connection = await reach().catch((error: unknown) => messageOf(error));
      if (typeof connection === 'string') return { known: false, reason: connection, streams: [], backgroundJobs: [] };
      try {
        return { known: true, ...(await readSessions(connection, await token())) };
      } catch (error) {
        return { known: false, reason: messageOf(error), streams: [], backgroundJobs: [] };
      } finally {
        await connection.close();
      }
    },
    isRunning,
    async fingerprintCatalogue() {
      const where = await place();
      return fingerprint(where, await listCatalogue(where));
    },
    async checkWithOwnSqlite(file) {
      const { user, home } = await service();
      const program = await findOwnSqlite(machine, home);
      return program === null ? null : checkIntegrityThere(machine, { program, user, file });
    },
    async stop() {
      const startedAtMs = performance.now();
      const { dataDirectory } = await service();
      await stopUnit(machine, unit);
      let left = await inTheWay();
      while (left.length > 0 && performance.now() - startedAtMs < goneTimeoutMs) {
        await wait(1000);
        left = await inTheWay();
      }
      const files = await listCatalogue({ machine, directory: dataDirectory, as: 'root' });
      return {
        processesGone: left.length === 0,
        remainingWalFiles: files.filter((file) => file.path.startsWith(databasesDirectory) && file.path.endsWith('-wal') && file.sizeBytes > 0).map((file) => file.path),
        durationMs: Math.round(performance.now() - startedAtMs),
      };
    },
    async keepStopped() {
      // What the unit says of itself is asked first: it is needed after this, in this process and in the next.
      await service();
      await keepUnitStopped(machine, unit);
    },
    isKeptStopped: async () => isUnitKeptStopped(await readUnit(machine, unit)),
    async restore(before) {
      if (before.service === null) return;
      await letUnitStart(machine, before.service.unit, before.service.enabledState);
      if (!before.running) return;
      await startUnit(machine, before.service.unit);
      const answer = await awaitIdentity(machine, { timeoutMs: answerTimeoutMs });
      if (answer === null) {
        throw new PlexliftError('failed', `Cannot see Plex run again on ${machine.name}: it was started and does not answer within ${answerTimeoutMs / 1000} s`, {
          remedy: `Look at "journalctl -u ${before.service.unit}" there, then run the same command again`,
        });
      }
      if (before.processedMachineIdentifier !== null && answer.machineIdentifier !== before.processedMachineIdentifier) {
        throw new PlexliftError('failed', `Cannot see the same Plex run again on ${machine.name}: another server answers on port ${plexPort}`, {
          remedy: `Find out what listens on port ${plexPort} there, then run the same command again`,
          facts: [`before: ${before.processedMachineIdentifier}`, `now: ${answer.machineIdentifier}`],
        });
      }
    },
    async connect() {
      return (await isRunning()) ? reach() : null;
    },
    async sampleMedia(path, firstBytes) {
      return sampleFile(machine, path, { firstBytes, user: (await service()).user });
    },
    async close() {
      await machine.close?.();
    },
  };
}
