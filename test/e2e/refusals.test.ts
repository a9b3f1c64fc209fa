import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Cluster } from '../bed/kubernetes/cluster.ts';
import { startCluster } from '../bed/kubernetes/cluster.ts';
import { chartPlexVersion, plexImage } from '../bed/kubernetes/plexImage.ts';
import type { PlexRelease } from '../bed/kubernetes/plexRelease.ts';
import { installPlexRelease } from '../bed/kubernetes/plexRelease.ts';
import { defaultPlexVersion } from '../bed/plexServer/build.ts';
import { PLEX_DATA_DIRECTORY } from '../bed/sourceVm/machineRoot.ts';
import type { SourceState, TargetState } from './bothSides.ts';
import { identityAt, sourceState, storedLibrary, targetState, valuesOf } from './bothSides.ts';
import { spoilIndex, wipeTable } from './damagedDatabases.ts';
import { faultsOf } from './endings.ts';
import { refusedConfigurations, unusableConfigurations } from './wrongConfigurations.ts';
import type { Plexlift, WrittenConfiguration } from './otherConfigurations.ts';
import { configuredAs } from './otherConfigurations.ts';
import { sitDown } from './personAtTerminal.ts';
import type { Outcome, Stage } from './stage.ts';
import { openStage } from './stage.ts';

// One source machine and one cluster for all: what is refused must leave both as they were, so that the next refusal finds them so.

/** Long enough for every refusal before something is copied, and far below what a person takes for hanging. */
const promptlyMs = 60_000;

let cluster: Cluster;
/** Its release runs the chart's default version, which is older than the source's. */
let stage: Stage;
let undisturbed: SourceState;

beforeAll(async () => {
  cluster = await startCluster({ name: 'refusals' });
  stage = await openStage({ cluster, name: 'older', targetVersion: chartPlexVersion });
  undisturbed = await sourceState(stage.vm);
});

afterAll(async () => {
  await stage?.close();
  await cluster?.stop();
});

/** The person was told that the source runs, and it does, undisturbed. */
async function expectSourceUndisturbed(outcome: Outcome): Promise<void> {
  expect(outcome.stderr).toContain(`${stage.vm.sshDestination}: Plex is running`);
  expect(await sourceState(stage.vm)).toEqual(undisturbed);
}

/** The same configuration for another release of the cluster. */
function against(release: PlexRelease) {
  return (configuration: WrittenConfiguration): void => {
    configuration.target.kubernetes['kubeconfig'] = release.kubeconfig;
    configuration.target.kubernetes['namespace'] = release.namespace;
    configuration.target.kubernetes['release'] = release.release;
  };
}

function mediaMounts(library: string, optimized: string) {
  return [
    { name: 'library', hostPath: library, mountPath: '/media/library' },
    { name: 'optimized', hostPath: optimized, mountPath: '/media/optimized' },
  ];
}

interface Releases {
  readonly matching: PlexRelease;
  /** Its media directory is empty. */
  readonly shares: PlexRelease;
  /** It lacks the second media mount. */
  readonly bare: PlexRelease;
}

let installed: Promise<Releases> | undefined;

/** The releases of the source's version, installed together at first use: not before the node was seen to lack their image. */
function releasesOfSameVersion(): Promise<Releases> {
  const { mediaDirectory, optimizedDirectory } = stage.library;
  const install = (namespace: string, media: ReturnType<typeof mediaMounts>) => installPlexRelease(cluster, { namespace, imageTag: defaultPlexVersion, media });
  installed ??= (async () => {
    await mkdir(otherMedia());
    const [matching, shares, bare] = await Promise.all([
      install('matching', mediaMounts(mediaDirectory, optimizedDirectory)),
      install('shares', mediaMounts(otherMedia(), optimizedDirectory)),
      install('bare', mediaMounts(mediaDirectory, optimizedDirectory).slice(0, 1)),
    ]);
    return { matching, shares, bare };
  })();
  return installed;
}

function otherMedia(): string {
  return join(stage.directory, 'other-media');
}

describe('a target of another version', () => {
  let before: TargetState;
  let plexlift: Plexlift;

  beforeAll(async () => {
    before = await targetState(cluster, stage.release);
    plexlift = await configuredAs(stage, 'older');
  });

  test('is refused with both versions in the text, before anything is touched', async () => {
    const outcome = await plexlift.run('migrate', '--yes', 'existing-library');
    expect(faultsOf(outcome, { exitCode: 3, says: ['same-version', defaultPlexVersion, chartPlexVersion, '--accept same-version', 'nothing of this run is on it'] })).toEqual([]);
    await expectSourceUndisturbed(outcome);
    expect(await targetState(cluster, stage.release)).toEqual(before);
  });

  test('is refused with the reason when the node cannot get the image of that version, the former server comes up again by itself, and rollback has nothing left to do', async () => {
    const outcome = await plexlift.run('migrate', '--accept', 'same-version', '--yes', 'existing-library');
    expect(faultsOf(outcome, { exitCode: 3, says: [/ErrImagePull|ImagePullBackOff/, `pms-docker:${defaultPlexVersion}`, 'was put back to revision 1', 'Make the image available'] })).toEqual([]);
    await expectSourceUndisturbed(outcome);
    await stage.release.waitForServer();
    expect((await valuesOf(cluster, stage.release)).image?.tag).toBe(chartPlexVersion);

    const rolledBack = await plexlift.run('rollback');
    expect(faultsOf(rolledBack, { exitCode: 0, says: [before.identity, 'is at its former values'] })).toEqual([]);
    await expectSourceUndisturbed(rolledBack);
    expect(await identityAt(await stage.release.serverUrl())).toBe(before.identity);
    expect(await storedLibrary(join(stage.release.configHostPath, 'Library'))).toEqual(before.library);
  });

  test('is pinned to the version of the source with consent, until rollback', async () => {
    await cluster.importImage(await plexImage({ version: defaultPlexVersion }));
    expect(faultsOf(await plexlift.run('migrate', '--accept', 'same-version', '--yes', 'existing-library', '--until', 'open-target'), { exitCode: 0, says: [`image.tag is ${defaultPlexVersion}`] })).toEqual([]);
    expect((await valuesOf(cluster, stage.release)).image?.tag).toBe(defaultPlexVersion);
    const images = await cluster.run(['get', 'pod', stage.release.podName, '-n', stage.release.namespace, '-o', 'jsonpath={.spec.containers[*].image} {.spec.initContainers[?(@.name=="plexlift-gate")].image}']);
    expect(images).toMatch(new RegExp(`:${RegExp.escape(defaultPlexVersion)} .*:${RegExp.escape(defaultPlexVersion)}$`));

    expect(faultsOf(await plexlift.run('rollback'), { exitCode: 0, says: [before.identity] })).toEqual([]);
    expect((await valuesOf(cluster, stage.release)).image?.tag).toBe(chartPlexVersion);
    expect(await identityAt(await stage.release.serverUrl())).toBe(before.identity);
  });
});

describe('a target of the same version', () => {
  let release: PlexRelease;
  let before: TargetState;

  beforeAll(async () => {
    release = (await releasesOfSameVersion()).matching;
    before = await targetState(cluster, release);
  });

  const configured = (name: string, change: (configuration: WrittenConfiguration) => void = () => undefined) =>
    configuredAs(stage, name, (configuration) => {
      against(release)(configuration);
      change(configuration);
    });

  describe('and a configuration that cannot work', () => {
    const fileNameOf = (name: string): string => name.replaceAll(' ', '-');

    test.each(unusableConfigurations)('$name: one clear error, and nobody is asked anything', async ({ name, change, says }) => {
      const plexlift = await configured(fileNameOf(name), change);
      expect(faultsOf(await plexlift.run('migrate'), { exitCode: 2, says, withinMs: promptlyMs })).toEqual([]);
      expect(existsSync(plexlift.runDirectory)).toBe(false);
    });

    test.each(refusedConfigurations)('$name: one clear error, nothing changed', async ({ name, change, says, words = [] }) => {
      const outcome = await (await configured(fileNameOf(name), change)).run('migrate', ...words);
      expect(faultsOf(outcome, { exitCode: 3, says: [...says, 'nothing of this run is on it'], withinMs: promptlyMs })).toEqual([]);
      await expectSourceUndisturbed(outcome);
      expect(await targetState(cluster, release)).toEqual(before);
    });

    test('a cluster that does not answer: said so at once, and the same command would go on', async () => {
      const kubeconfig = join(stage.directory, 'silent.kubeconfig');
      await writeFile(kubeconfig, (await readFile(cluster.kubeconfig, 'utf8')).replace(/https:[^"\s]+/, 'https://127.0.0.1:1'));
      const outcome = await (await configured('silent', (configuration) => Object.assign(configuration.target.kubernetes, { kubeconfig }))).run('migrate');
      expect(faultsOf(outcome, { exitCode: 4, says: ['Cannot reach the cluster', '127.0.0.1:1', 'kubectl get nodes', 'nothing of this run is on it'], withinMs: promptlyMs })).toEqual([]);
      await expectSourceUndisturbed(outcome);
    });

    test('a run directory of another migration: refused, and left as it is', async () => {
      const plexlift = await configured('borrowed', (configuration) => Object.assign(configuration, { run: join(stage.directory, 'run-older') }));
      const journal = await readFile(join(plexlift.runDirectory, 'journal.ndjson'));
      expect(faultsOf(await plexlift.run('migrate'), { exitCode: 2, says: ['belongs to another migration', 'older/plex', 'matching/plex', '--run DIR'] })).toEqual([]);
      expect(await readFile(join(plexlift.runDirectory, 'journal.ndjson'))).toEqual(journal);
    });

    test('two at once: the second is refused at once, the first goes on', async () => {
      const plexlift = await configured('twice');
      const first = plexlift.begin('migrate', '--until', 'back-up');
      await expect.poll(() => existsSync(join(plexlift.runDirectory, 'lock')), { timeout: 20_000 }).toBe(true);
      const second = await plexlift.run('migrate', '--until', 'back-up');
      expect(faultsOf(second, { exitCode: 11, says: ['another plexlift is at work', `pid ${first.pid}`, 'Nothing was changed'] })).toEqual([]);
      expect(await first).toMatchObject({ exitCode: 0 });
    });
  });

  describe('and a source that cannot be reached', () => {
    let sshConfig: string;
    let scratch: string;

    beforeAll(async () => {
      sshConfig = await readFile(stage.vm.sshConfigFile, 'utf8');
      scratch = join(stage.directory, 'ssh');
      await mkdir(scratch, { mode: 0o700 });
      await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(scratch, 'stranger')]);
    });

    /** plexlift with the machine's ssh configuration changed, or with another destination. */
    async function reachedBy(name: string, changes: { readonly config?: (text: string) => string; readonly destination?: string }): Promise<Plexlift> {
      const file = join(scratch, `${name}.config`);
      await writeFile(file, changes.config?.(sshConfig) ?? sshConfig, { mode: 0o600 });
      return configured(name, (configuration) => Object.assign(configuration.source, { sshConfig: file }, changes.destination === undefined ? {} : { ssh: changes.destination }));
    }

    /** What is wrong with the ending when there is no connection; nothing at best. */
    async function faultsUnconnected(plexlift: Plexlift, says: readonly (string | RegExp)[]): Promise<readonly string[]> {
      const outcome = await plexlift.run('migrate');
      expect(await sourceState(stage.vm)).toEqual(undisturbed);
      expect(await targetState(cluster, release)).toEqual(before);
      return faultsOf(outcome, { exitCode: 3, says: [...says, 'Nothing was changed'], withinMs: promptlyMs });
    }

    test('an address that nobody has', async () => {
      const nobody = `alex@${stage.vm.address.replace(/\d+$/, '77')}`;
      expect(await faultsUnconnected(await reachedBy('nobody', { destination: nobody }), [`Cannot connect to "${nobody}" over ssh: the host does not answer`, 'Check that the machine runs'])).toEqual([]);
    });

    test('a port that nobody listens on', async () => {
      expect(await faultsUnconnected(await reachedBy('closed', { config: (text) => text.replace(/HostName .*/, 'HostName 127.0.0.1\n  Port 1') }), ['the host does not answer', 'Connection refused'])).toEqual([]);
    });

    test('a host key that nobody confirmed', async () => {
      expect(await faultsUnconnected(await reachedBy('unknown-key', { config: (text) => text.replace(/UserKnownHostsFile .*/, 'UserKnownHostsFile /dev/null') }), ['the host key is unknown', 'confirm its key'])).toEqual([]);
    });

    test('a key that the host refuses', async () => {
      expect(await faultsUnconnected(await reachedBy('refused-key', { config: (text) => text.replace(/IdentityFile .*/, `IdentityFile "${join(scratch, 'stranger')}"`) }), ['the host refused the key or password', 'authorized_keys'])).toEqual([]);
    });

    test('a user who may not use sudo', async () => {
      await stage.vm.run('mv /etc/sudoers.d/alex /root/sudoers-of-alex && gpasswd --delete alex sudo');
      try {
        const outcome = await (await configured('no-sudo')).run('migrate');
        expect(faultsOf(outcome, { exitCode: 3, says: [/Cannot become root on .*sudo/, 'sudo without a password', 'this run did nothing to it'], withinMs: promptlyMs })).toEqual([]);
      } finally {
        await stage.vm.run('mv /root/sudoers-of-alex /etc/sudoers.d/alex && gpasswd --add alex sudo');
      }
      expect(await sourceState(stage.vm)).toEqual(undisturbed);
      expect(await targetState(cluster, release)).toEqual(before);
    });
  });

  describe('that has a library', () => {
    let plexlift: Plexlift;

    beforeAll(async () => {
      plexlift = await configured('matching');
    });

    async function expectBothUndisturbed(outcome: Outcome): Promise<void> {
      await expectSourceUndisturbed(outcome);
      expect(await targetState(cluster, release)).toEqual(before);
    }

    test('is refused where nobody can be asked, with the flag that consents', async () => {
      const outcome = await plexlift.run('migrate');
      expect(faultsOf(outcome, { exitCode: 3, says: [before.library.machineIdentifier, '--yes existing-library=set-aside', 'never overwrites it'] })).toEqual([]);
      await expectBothUndisturbed(outcome);
    });

    test('is refused when the answer is to keep it', async () => {
      const outcome = await plexlift.run('migrate', '--yes', 'existing-library=keep');
      expect(faultsOf(outcome, { exitCode: 3, says: ['already has a library', 'Nothing was changed on the target'] })).toEqual([]);
      await expectBothUndisturbed(outcome);
    });

    test('is refused when a person does not type the word that consents', async () => {
      const person = await sitDown(['migrate', '--config', plexlift.configuration], stage.directory);
      try {
        await person.sees('already has a library. Set it aside?');
        await person.chooses('set it aside');
        await person.sees('Type set-aside to agree');
        await person.presses('yes', 'Enter');
        expect(await person.exitCode()).toBe(3);
        await expectBothUndisturbed({ exitCode: 3, stdout: '', stderr: await person.screen() });
      } finally {
        await person.leaves();
      }
    });

    describe('and consent to set it aside', () => {
      /** The person was told that Plex is held back there, and the former library lies where it lay. */
      async function expectHeldBack(outcome: Outcome): Promise<void> {
        await expectSourceUndisturbed(outcome);
        expect(outcome.stderr).toMatch(/release matching\/plex: Plex is held back/);
        expect(await storedLibrary(join(release.configHostPath, 'Library'))).toEqual(before.library);
        expect((await readdir(release.configHostPath)).filter((name) => name.startsWith('Library'))).toEqual(['Library']);
      }

      test('no to stopping the source ahead of time: it goes on serving', async () => {
        const outcome = await plexlift.run('migrate', '--yes', 'existing-library', '--yes', 'stop-source=no');
        expect(faultsOf(outcome, { exitCode: 3, says: ['was not stopped, as you chose', 'It goes on serving', 'Next: plexlift migrate'] })).toEqual([]);
        await expectHeldBack(outcome);
      });

      test('no answer where nobody can be asked: it goes on serving, and the flags are named', async () => {
        const outcome = await plexlift.run('migrate');
        expect(faultsOf(outcome, { exitCode: 3, says: ['Cannot go on without an answer', 'Nobody is watching', '--yes stop-source=now', '--yes stop-source=wait', '--yes stop-source=no'] })).toEqual([]);
        await expectHeldBack(outcome);
      });

      test('no from a person at a terminal, who reads what would happen and how it is undone', async () => {
        const person = await sitDown(['migrate', '--config', plexlift.configuration], stage.directory);
        try {
          const question = await person.sees('not now');
          const asked = question.replace(/[│◆●○└]/g, ' ').replace(/\s+/g, ' ');
          expect(asked).toContain(`Stop Plex on ${stage.vm.sshDestination} now?`);
          for (const told of ['What will happen', 'How it is undone', 'plexlift rollback', 'Do not sign out of the old server', 'Nobody is watching']) expect(asked).toContain(told);
          // The cursor is on it already: an Enter too many does no harm.
          await person.presses('Enter');
          expect(await person.exitCode()).toBe(3);
          const screen = await person.screen();
          expect(screen).toContain('was not stopped, as you chose');
          await expectHeldBack({ exitCode: 3, stdout: '', stderr: screen });
        } finally {
          await person.leaves();
        }
      });

      test('yes to both: the former library is set aside, and rollback brings it back', async () => {
        const moved = await plexlift.run('migrate', '--yes', 'stop-source');
        expect(faultsOf(moved, { exitCode: 0, says: [`${stage.vm.sshDestination}: Plex is not running`, 'the library is published'] })).toEqual([]);
        expect(await identityAt(await release.serverUrl())).toBe(stage.library.processedMachineIdentifier);
        const setAside = (await readdir(release.configHostPath)).filter((name) => name.startsWith('Library.set-aside-'));
        expect(setAside).toHaveLength(1);
        expect(await storedLibrary(join(release.configHostPath, setAside[0] ?? ''))).toEqual(before.library);

        const rolledBack = await plexlift.run('rollback');
        expect(faultsOf(rolledBack, { exitCode: 0, says: [`${stage.vm.sshDestination}: Plex is running`] })).toEqual([]);
        expect(await storedLibrary(join(release.configHostPath, 'Library'))).toEqual(before.library);
        expect(await identityAt(await release.serverUrl())).toBe(before.identity);
        undisturbed = await sourceState(stage.vm);
        expect(undisturbed.identity).toBe(stage.library.processedMachineIdentifier);
      });
    });
  });
});

describe('media that are not where they should be', () => {
  let release: PlexRelease;
  let before: TargetState;
  let plexlift: Plexlift;

  beforeAll(async () => {
    release = (await releasesOfSameVersion()).shares;
    before = await targetState(cluster, release);
    plexlift = await configuredAs(stage, 'shares', against(release));
  });

  /** Goes on as if all were well; with the source and the former library untouched, gives back what is wrong with the ending. */
  async function faultsWithMedia(says: readonly (string | RegExp)[]): Promise<readonly string[]> {
    const outcome = await plexlift.run('migrate', '--yes', 'existing-library', '--yes', 'stop-source');
    await expectSourceUndisturbed(outcome);
    expect(await storedLibrary(join(release.configHostPath, 'Library'))).toEqual(before.library);
    return faultsOf(outcome, { exitCode: 3, says: ['/media/library', ...says, 'release shares/plex: Plex is held back'] });
  }

  test('a mount that the release does not have: refused before anything is touched', async () => {
    const { bare } = await releasesOfSameVersion();
    const untouched = await targetState(cluster, bare);
    const outcome = await (await configuredAs(stage, 'bare', against(bare))).run('migrate', '--yes', 'existing-library', '--yes', 'stop-source');
    expect(faultsOf(outcome, { exitCode: 3, says: ['mapping-has-mounts', '"/media/optimized"', 'nothing of this run is on it'] })).toEqual([]);
    await expectSourceUndisturbed(outcome);
    expect(await targetState(cluster, bare)).toEqual(untouched);
  });

  test('a share that is empty: refused with the source running', async () => {
    expect(await faultsWithMedia(['"/media/library" is empty', 'Mount the share again'])).toEqual([]);
  });

  test('another share with the same names: refused with the source running', async () => {
    await cp(stage.library.mediaDirectory, otherMedia(), { recursive: true, preserveTimestamps: true });
    for (const entry of await readdir(otherMedia(), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath, entry.name);
      const content = await readFile(file);
      await writeFile(file, content.map((byte) => byte ^ 0xff));
    }
    expect(await faultsWithMedia(['is not the file', 'Check which share is mounted there'])).toEqual([]);
  });

  test('the right share at last: the same command goes on, and rollback puts the release back', async () => {
    await cp(stage.library.mediaDirectory, otherMedia(), { recursive: true, preserveTimestamps: true });
    expect(faultsOf(await plexlift.run('migrate', '--until', 'media'), { exitCode: 0, says: ['release shares/plex: Plex is held back'] })).toEqual([]);
    expect(faultsOf(await plexlift.run('rollback'), { exitCode: 0, says: [before.identity] })).toEqual([]);
    expect(await storedLibrary(join(release.configHostPath, 'Library'))).toEqual(before.library);
  });
});

describe('a damaged database', () => {
  const databases = join(PLEX_DATA_DIRECTORY, 'Plug-in Support', 'Databases');

  beforeAll(async () => {
    await stage.vm.run('systemctl stop plexmediaserver', { timeoutMs: 60_000 });
    const stopped = join(stage.vm.root, databases);
    spoilIndex(join(stopped, 'com.plexapp.plugins.library.db'), 'index_devices_on_identifier');
    wipeTable(join(stopped, 'com.plexapp.dlna.db'), 'object_ids');
    await stage.vm.run('systemctl start plexmediaserver', { timeoutMs: 60_000 });
    await vi.waitFor(() => identityAt(`http://${stage.vm.address}:32400`), { timeout: 60_000, interval: 500 });
    undisturbed = await sourceState(stage.vm);
  });

  test('is told with file, table and message, and nothing is stopped or touched', async () => {
    const before = await targetState(cluster, stage.release);
    const plexlift = await configuredAs(stage, 'damaged');
    const outcome = await plexlift.run('migrate', '--accept', 'same-version', '--yes', 'existing-library', '--yes', 'stop-source');
    const named = [/com\.plexapp\.plugins\.library\.db, table devices: .*index_devices_on_identifier/, /com\.plexapp\.dlna\.db, table object_ids: /];
    expect(faultsOf(outcome, { exitCode: 3, says: [...named, 'was not stopped', 'Repair a Corrupted Database', 'nothing of this run is on it'] })).toEqual([]);
    await expectSourceUndisturbed(outcome);
    expect(await targetState(cluster, stage.release)).toEqual(before);
    const report = await readFile(join(plexlift.runDirectory, 'report.md'), 'utf8');
    for (const name of named) expect(report).toMatch(name);
  });
});
