import { PlexliftError, messageOf } from '../errors.ts';
import { as, command } from '../machines/command.ts';
import type { Machine } from '../machines/machine.ts';
import { databasesDirectory, isDatabase, libraryDatabase, preferencesFile } from '../plex/dataDirectory.ts';
import { isNetworkFileSystem } from '../plex/fileSystems.ts';
import { compareVersions, parseVersion } from '../plex/versions.ts';
import type { Check, Finding } from '../runner/check.ts';
import { bytesText } from '../units.ts';
import { listCatalogue } from './catalogueCopy.ts';
import { askIdentity } from './identityAnswer.ts';
import { packagedVersion } from './installedVersion.ts';
import { findOwnSqlite } from './ownSqlite.ts';
import type { PlexService } from './plexService.ts';
import { clockSkewSeconds, findCopyTool, scratchFreeBytes, storedIdentity, toolVersions } from './sourceProbes.ts';

/** What the checks of a systemd source look at. */
export interface SystemdChecked {
  readonly machine: Machine;
  readonly unit: string;
  readonly service: () => Promise<PlexService>;
  readonly isRunning: () => Promise<boolean>;
}

/** Seconds by which the clocks may differ before it is worth a word: `find` and `tar` times are compared only with each other, logins and tokens are not. */
const clockToleranceSeconds = 5;

/** GNU tar takes names verbatim from a list since 1.29. */
const oldestTar = [1, 29] as const;

/** Claims about a Plex that systemd runs. */
export function systemdChecks({ machine, unit, service, isRunning }: SystemdChecked): readonly Check[] {
  const { name } = machine;
  return [
    {
      name: 'ssh-answers',
      claim: 'The source answers',
      async run() {
        const { stdout } = await machine.run(command('uname', '-sr'));
        return stdout.startsWith('Linux') ? pass(`${name} runs ${stdout.trim()}`) : fail(`${name} runs ${stdout.trim()}`, 'plexlift moves a Plex from Linux only');
      },
    },
    {
      name: 'sudo-works',
      claim: 'Commands can be run as root on the source',
      async run() {
        const { stdout } = await machine.run(as('root', command('id', '-u')));
        return stdout.trim() === '0' ? pass('sudo works') : fail(`sudo ran a command as user ${stdout.trim()}`, `Check with "sudo id" on ${name}`);
      },
    },
    { name: 'source-tools', claim: 'The source has the programs that plexlift uses', run: () => checkTools(machine, service) },
    {
      name: 'service-known',
      claim: 'systemd knows the Plex service',
      async run() {
        const { unit: known, user } = await service();
        const who = typeof user === 'string' ? user : user.user;
        if (known.loadState === 'masked') return warn(`${unit} is masked, so that Plex cannot start; it is described by its files`, 'Nothing to do if you masked it; otherwise look at "systemctl status" there');
        if (known.loadState !== 'loaded') return fail(`systemd calls ${unit} "${known.loadState}"`, `Repair the unit, or set "unit" under "source" to the right one`);
        return pass(`${unit} is ${known.activeState}, ${known.enabledState}, and runs as ${who}`);
      },
    },
    {
      name: 'data-directory-known',
      claim: 'The data directory of Plex is known',
      async run() {
        const { dataDirectory, dataDirectoryFrom } = await service();
        return pass(`${dataDirectory}, from ${dataDirectoryFrom}`);
      },
    },
    { name: 'source-databases-readable', claim: 'The databases are there, and the Plex user can read them', run: () => checkDatabases(machine, service) },
    {
      name: 'source-preferences-readable',
      claim: 'Preferences.xml can be read, and holds an identity',
      async run() {
        const { machineIdentifier, processedMachineIdentifier } = await storedIdentity(machine, { directory: (await service()).dataDirectory, user: 'root' });
        if (machineIdentifier !== null && processedMachineIdentifier !== null) return pass(`machine identifier ${processedMachineIdentifier}`);
        return fail(`${preferencesFile} lacks ${machineIdentifier === null ? 'MachineIdentifier' : 'ProcessedMachineIdentifier'}`, 'Check that this is the data directory of a Plex that was in use');
      },
    },
    { name: 'source-version-known', claim: 'The exact version of the source is known', run: () => checkVersion(machine, isRunning) },
    { name: 'source-scratch-room', claim: 'The source has room for a copy of its largest database', run: () => checkRoom(machine, service) },
    {
      name: 'source-clock',
      claim: 'The clocks of the source and of this computer agree',
      async run() {
        const skew = await clockSkewSeconds(machine);
        if (Math.abs(skew) <= clockToleranceSeconds) return pass(`they differ by ${Math.abs(skew)} s`);
        return warn(`the source is ${Math.abs(skew)} s ${skew > 0 ? 'ahead' : 'behind'}`, 'Set both clocks (NTP); nothing is compared across them, but times in reports will not fit together');
      },
    },
    {
      name: 'source-data-on-local-disk',
      claim: 'The databases of the source lie on a disk of its own',
      async run() {
        const kind = await fileSystemOf(machine, `${(await service()).dataDirectory}/${databasesDirectory}`);
        if (!isNetworkFileSystem(kind)) return pass(`they lie on ${kind}`);
        return warn(`they lie on ${kind}, where SQLite's locks cannot be relied on`, 'Their integrity is checked before anything moves; if it fails, that is the likely cause');
      },
    },
    { name: 'source-one-server', claim: 'No other Plex of the source uses the same data directory', run: () => checkOthers(machine, service) },
    {
      name: 'source-own-sqlite',
      claim: 'The source can check its databases with the SQLite of Plex itself',
      async run() {
        const program = await findOwnSqlite(machine, (await service()).home);
        return program === null ? { status: 'skip', reason: 'there is no "Plex SQLite"; the check is made on the target' } : pass(program);
      },
    },
  ].map((check) => ({ ...check, run: () => foreseen(() => check.run() as Promise<Finding>) }));
}

async function checkTools(machine: Machine, service: () => Promise<PlexService>): Promise<Finding> {
  const versions = await toolVersions(machine, ['find', 'tar', 'sha256sum', 'stat', 'readlink', 'df']);
  const lacking = ['find', 'tar', 'sha256sum', 'stat', 'readlink', 'df'].filter((tool) => !/GNU/.test(versions[tool] ?? ''));
  if (lacking.length > 0) return fail(`not there, or not the GNU programs: ${lacking.join(', ')}`, `Install findutils, tar and coreutils on ${machine.name}`);
  const [, major = '0', minor = '0'] = /(\d+)\.(\d+)/.exec(versions['tar'] ?? '') ?? [];
  if (Number(major) < oldestTar[0] || (Number(major) === oldestTar[0] && Number(minor) < oldestTar[1])) {
    return fail(`tar is ${major}.${minor}, which reads options out of file names`, `Install GNU tar ${oldestTar.join('.')} or newer on ${machine.name}`);
  }
  const { home } = await service();
  const copy = await findCopyTool(machine, { ownSqlite: await findOwnSqlite(machine, home) });
  if (copy === null) return fail('neither Python 3.7, "Plex SQLite" nor sqlite3 is there, one of which copies databases in use', `Install python3 on ${machine.name}`);
  return pass(`GNU find, tar ${major}.${minor}, sha256sum; databases in use are copied by ${copy.kind === 'python' ? 'Python' : copy.program}`);
}

async function checkDatabases(machine: Machine, service: () => Promise<PlexService>): Promise<Finding> {
  const { dataDirectory, user } = await service();
  const files = await listCatalogue({ machine, directory: dataDirectory, as: 'root' });
  const databases = files.filter(({ path }) => isDatabase(path));
  if (!databases.some(({ path }) => path.endsWith(`/${libraryDatabase}`))) return fail(`${libraryDatabase} is not in ${databasesDirectory}`, 'Check that this is the data directory of a Plex that was in use');
  for (const { path } of databases) {
    const { exitCode } = await machine.run(as(user, command('test', '-r', `${dataDirectory}/${path}`)), { answers: [0, 1] });
    if (exitCode !== 0) return fail(`the Plex user cannot read "${path}"`, 'Give it back to that user with chown; Plex itself could not use it either');
  }
  return pass(`${databases.length} databases, ${bytesText(files.reduce((sum, file) => sum + file.sizeBytes, 0))} with logs and backups`);
}

async function checkVersion(machine: Machine, isRunning: () => Promise<boolean>): Promise<Finding> {
  const packaged = await packagedVersion(machine);
  const answer = (await isRunning()) ? await askIdentity(machine) : null;
  if (packaged === null && answer === null) return fail('no running server and no package tells it', 'Start Plex on the source, so that it can be asked');
  if (packaged !== null && answer !== null && packaged.text !== answer.version) {
    const [installed, runs] = [parseVersion(packaged.text), parseVersion(answer.version)];
    // Restarted, the older package would not open what the newer server wrote.
    const isOlder = installed !== null && runs !== null && compareVersions(installed, runs) < 0;
    return warn(
      `the running server is ${answer.version}, the installed package ${packaged.text}`,
      isOlder ? `Install ${answer.version} again on the source, and do not restart Plex before that: the older package cannot open its databases` : 'Restart Plex on the source and let it finish its upgrade before you migrate',
    );
  }
  return pass(answer?.version ?? packaged?.text ?? '');
}

async function checkRoom(machine: Machine, service: () => Promise<PlexService>): Promise<Finding> {
  const files = await listCatalogue({ machine, directory: (await service()).dataDirectory, as: 'root' });
  const largest = Math.max(0, ...files.filter(({ path }) => isDatabase(path)).map(({ path, sizeBytes }) => sizeBytes + (files.find((log) => log.path === `${path}-wal`)?.sizeBytes ?? 0)));
  const free = await scratchFreeBytes(machine);
  const detail = `${bytesText(free)} free in /var/tmp or /tmp, ${bytesText(largest)} needed`;
  return free > largest ? pass(detail) : fail(detail, `Make room in /var/tmp on ${machine.name}`);
}

async function checkOthers(machine: Machine, service: () => Promise<PlexService>): Promise<Finding> {
  const { home } = await service();
  const { stdout } = await machine.run(as('root', command('sh', '-c', 'ls -d /var/snap/plexmediaserver/common 2>/dev/null; command -v docker >/dev/null 2>&1 && docker ps --format "{{.Image}} {{.Names}}" 2>/dev/null | grep -i plex; true')));
  const others = stdout.split('\n').filter((line) => line !== '');
  if (others.length === 0) return pass(`only the one in ${home} was found`);
  return warn(`there are also: ${others.join(', ')}`, 'Make sure that the service named in the configuration is the one you want to move');
}

async function fileSystemOf(machine: Machine, path: string): Promise<string> {
  const { stdout } = await machine.run(as('root', command('df', '--output=fstype', path)));
  return stdout.trim().split('\n').at(-1)?.trim() ?? '';
}

// A failure that was foreseen is a finding with its own remedy; anything else goes to whoever runs the checks.
async function foreseen(run: () => Promise<Finding>): Promise<Finding> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof PlexliftError) return { status: 'fail', detail: messageOf(error), remedy: error.remedy };
    throw error;
  }
}

function pass(detail: string): Finding {
  return { status: 'pass', detail };
}

function warn(detail: string, remedy: string): Finding {
  return { status: 'warn', detail, remedy };
}

function fail(detail: string, remedy: string): Finding {
  return { status: 'fail', detail, remedy };
}
