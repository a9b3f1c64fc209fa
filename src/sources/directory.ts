import { existsSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import path from 'node:path';
import { PlexliftError } from '../errors.ts';
import type { Machine } from '../machines/machine.ts';
import { databasesDirectory, libraryDatabase, preferencesFile } from '../plex/dataDirectory.ts';
import type { Check, Finding } from '../runner/check.ts';
import { fingerprint, listCatalogue } from './catalogueCopy.ts';
import type { CataloguePlace } from './catalogueCopy.ts';
import { localTree } from './dataDirectory.ts';
import type { TreePlace } from './dataDirectory.ts';
import { copyDatabasesHere, keepsLog } from './nodeBackup.ts';
import { databaseUsers } from './plexProcesses.ts';
import type { Source } from './source.ts';
import { bulkOf, sampleFile, scratchFreeBytes, storedIdentity, toolVersions } from './sourceProbes.ts';
import { takeCatalogueOf } from './takeCatalogue.ts';

/** Which directory, and what it cannot tell itself. */
export interface DirectoryOptions {
  /** The "Plex Media Server" directory. */
  readonly directory: string;
  /** The version of the server it was used with. */
  readonly version?: string | undefined;
  /** Directories of media, to which links in the data directory are not followed. */
  readonly media?: readonly string[];
}

/** A data directory on this computer that no server is kept running on: a restored backup, or a disk taken from another machine. */
export function directorySource(machine: Machine, options: DirectoryOptions): Source {
  const directory = path.resolve(options.directory);
  const place: CataloguePlace = { machine, directory, as: 'login' };
  const treePlace: TreePlace = { directory, followsLinksOut: true, media: options.media ?? [] };
  const treeWhileServing = localTree(machine, { ...treePlace, givesWay: true });

  return {
    kind: 'directory',
    name: directory,
    checks: directoryChecks({ machine, directory, place, version: options.version }),
    async describe() {
      const catalogue = await listCatalogue(place);
      return {
        kind: 'directory',
        name: directory,
        dataDirectory: directory,
        version: options.version ?? null,
        versionFrom: options.version === undefined ? 'a directory does not tell it; the configuration can' : 'the configuration',
        running: await inUse(machine, directory),
        service: null,
        ...(await storedIdentity(machine, { directory, user: 'login' })),
        hostName: hostname(),
        ...(await bulkOf(treeWhileServing)),
        databaseBytes: catalogue.reduce((sum, file) => sum + file.sizeBytes, 0),
        scratchFreeBytes: await scratchFreeBytes(machine),
        clockSkewSeconds: 0,
        timeZone: null,
        memoryPeakBytes: null,
        tools: await toolVersions(machine, ['find', 'tar', 'sha256sum']),
      };
    },
    tree: localTree(machine, treePlace),
    treeWhileServing,
    takeCatalogue: (into, { method, signal }) =>
      takeCatalogueOf({
        place,
        method,
        into,
        signal,
        copyDatabases: (names) => copyDatabasesHere({ directory, names, into, signal }),
      }),
    activity: async () => ({ known: false, reason: 'a directory has no server to ask', streams: [], backgroundJobs: [] }),
    isRunning: () => inUse(machine, directory),
    fingerprintCatalogue: async () => fingerprint(place, await listCatalogue(place)),
    checkWithOwnSqlite: async () => null,
    async stop() {
      const startedAtMs = performance.now();
      const used = await inUse(machine, directory);
      const files = await listCatalogue(place);
      return {
        processesGone: !used,
        remainingWalFiles: files.filter((file) => file.path.endsWith('-wal') && file.sizeBytes > 0).map((file) => file.path),
        durationMs: Math.round(performance.now() - startedAtMs),
      };
    },
    // Nothing starts a server on a directory by itself.
    keepStopped: async () => undefined,
    isKeptStopped: async () => true,
    restore: async () => undefined,
    connect: async () => null,
    sampleMedia: (file, firstBytes) => sampleFile(machine, file, { firstBytes, user: 'login' }),
    close: async () => undefined,
  };
}

/**
 * True while a process has one of the databases open, and also where that cannot be told: root sees the open files of everybody, others
 * only their own. Then a database that keeps a write-ahead log tells by its `-shm` file, which is there while anybody has it open.
 */
async function inUse(machine: Machine, directory: string): Promise<boolean> {
  if ((await databaseUsers(machine, { directory, user: 'login' })).length > 0) return true;
  if (userInfo().uid === 0) return false;
  const library = path.join(directory, databasesDirectory, libraryDatabase);
  return !keepsLog(library) || existsSync(`${library}-shm`);
}

function directoryChecks({ machine, directory, place, version }: { readonly machine: Machine; readonly directory: string; readonly place: CataloguePlace; readonly version: string | undefined }): readonly Check[] {
  const fail = (detail: string, remedy: string): Finding => ({ status: 'fail', detail, remedy });
  const pass = (detail: string): Finding => ({ status: 'pass', detail });
  return [
    {
      name: 'source-directory',
      claim: 'The source is a data directory of Plex that can be read',
      async run() {
        try {
          await access(path.join(directory, preferencesFile));
          const files = await listCatalogue(place);
          if (files.some((file) => file.path.endsWith(`/${libraryDatabase}`))) return pass(`${files.length} databases, logs, backups and settings`);
          return fail(`"${directory}" holds no ${libraryDatabase}`, 'Name the directory "Plex Media Server" itself');
        } catch (error) {
          if (error instanceof PlexliftError) return fail(error.message, error.remedy);
          return fail(`"${directory}" holds no ${preferencesFile} that can be read`, 'Name the directory "Plex Media Server" itself, and run plexlift as a user who may read it');
        }
      },
    },
    {
      name: 'source-tools',
      claim: 'This computer has the programs that plexlift uses',
      async run() {
        const versions = await toolVersions(machine, ['find', 'tar', 'sha256sum']);
        const lacking = ['find', 'tar', 'sha256sum'].filter((tool) => !/GNU/.test(versions[tool] ?? ''));
        return lacking.length === 0 ? pass('GNU find, tar and sha256sum') : fail(`not there, or not the GNU programs: ${lacking.join(', ')}`, 'Install findutils, tar and coreutils');
      },
    },
    {
      name: 'source-preferences-readable',
      claim: 'Preferences.xml can be read, and holds an identity',
      async run() {
        const { processedMachineIdentifier } = await storedIdentity(machine, { directory, user: 'login' });
        return processedMachineIdentifier === null ? fail(`${preferencesFile} lacks ProcessedMachineIdentifier`, 'Check that this is the data directory of a Plex that was in use') : pass(`machine identifier ${processedMachineIdentifier}`);
      },
    },
    {
      name: 'source-version-known',
      claim: 'The exact version of the source is known',
      async run() {
        return version === undefined ? fail('a directory does not tell it', 'Set "version" under "source" to the version of the server it was used with') : pass(version);
      },
    },
    {
      name: 'source-not-in-use',
      claim: 'No server uses the data directory',
      async run() {
        return (await inUse(machine, directory))
          ? { status: 'warn', detail: 'a process has its databases open, or it cannot be told', remedy: 'Stop that server before you migrate; a rehearsal may go on' }
          : pass('no process has its databases open');
      },
    },
  ];
}
