import { copyFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readJournal } from '../../src/runner/journal.ts';
import type { Cluster } from '../bed/kubernetes/cluster.ts';
import { startCluster } from '../bed/kubernetes/cluster.ts';
import { chartDirectory, helmEnvironment } from '../bed/kubernetes/plexRelease.ts';
import { buildPlexDeb, defaultPlexVersion } from '../bed/plexServer/build.ts';
import { processesThatSee, signalProcesses } from '../bed/runningProcesses.ts';
import { identityAt } from './bothSides.ts';
import type { BothSides } from './formerState.ts';
import { lookAtBothSides } from './formerState.ts';
import { requireExit, statuses, statusOf } from './interruption.ts';
import { serverOnSource, untilIdentity } from './sidesOfStage.ts';
import type { Stage } from './stage.ts';
import { openStage } from './stage.ts';

const newerVersion = '1.43.5.10801-0a1b2c3d4';
const consent = ['--yes', 'existing-library', '--yes', 'stop-source'];
const unit = 'plexmediaserver.service';

let cluster: Cluster;
let stage: Stage;
let before: BothSides;
let identity: string;
let formerIdentity: string;

beforeAll(async () => {
  cluster = await startCluster({ name: 'one-identity' });
  stage = await openStage({ cluster, name: 'one-identity' });
  before = await lookAtBothSides(cluster, stage);
  identity = await untilIdentity(serverOnSource(stage));
  formerIdentity = await identityAt(await stage.release.serverUrl());
});

afterAll(async () => {
  await stage?.close();
  await cluster?.stop();
});

/** Empty while nothing of Plex runs on the source. */
async function runningOnSource(): Promise<string> {
  return (await stage.vm.run('ls -l /proc/[0-9]*/exe 2>/dev/null | grep -F /usr/lib/plexmediaserver/')).stdout;
}

/** What somebody does who wants the old server back and knows nothing of plexlift. */
async function startSourceByHand(): Promise<void> {
  await stage.vm.run(`rm /etc/systemd/system/${unit}.d/zz-plexlift-keep-stopped.conf; systemctl daemon-reload; systemctl start ${unit}`);
  await untilIdentity(serverOnSource(stage));
}

/** Does `work` while nobody can log in on the source machine. */
async function withoutSsh(work: () => Promise<unknown>): Promise<void> {
  await stage.vm.run('systemctl stop ssh.service ssh.socket');
  try {
    await work();
  } finally {
    await stage.vm.run('systemctl start ssh.service');
  }
}

async function targetIdentity(): Promise<string> {
  await stage.release.waitForServer();
  return identityAt(await stage.release.serverUrl());
}

describe('one identity, one server', () => {
  test('a source that is rebooted in the middle stays down, and the run goes on without asking again', async () => {
    requireExit(await stage.plexlift('migrate', ...consent, '--until', 'take-catalogue'), 0);
    await stage.vm.reboot();
    expect(await runningOnSource()).toBe('');
    requireExit(await stage.plexlift('migrate', '--until', 'rewrite'), 0);
  });

  test('when Plex came up all the same, the run goes back to stop-source, and asks', async () => {
    await startSourceByHand();
    const asked = requireExit(await stage.plexlift('migrate'), 3);
    expect(asked.stderr).toMatch(/To be done again \(.*stop-source, .*rewrite\): Plex serves on/);
    expect(asked.stderr).toContain('--yes stop-source');
    expect(['take-catalogue', 'rewrite'].map((step) => statusOf(stage, step))).toEqual(['pending', 'pending']);
    requireExit(await stage.plexlift('migrate', ...consent), 0);
    expect(new Set(statuses(stage))).toEqual(new Set(['finished']));
    expect(await targetIdentity()).toBe(identity);
  });

  test('an upgrade of its package, and a reboot after that, do not start a second server', async () => {
    await copyFile(await buildPlexDeb({ version: newerVersion }), join(stage.vm.root, 'var/cache/newer.deb'));
    const upgrade = await stage.vm.run('dpkg --install /var/cache/newer.deb; rm /var/cache/newer.deb');
    expect([upgrade.exitCode, (await stage.vm.run('dpkg-query --show --showformat \'${Version}\' plexmediaserver')).stdout]).toEqual([0, newerVersion]);
    expect(await runningOnSource()).toBe('');
    await stage.vm.reboot();
    expect(await runningOnSource()).toBe('');
    expect((await stage.vm.run(`systemctl is-enabled ${unit}`)).stdout).toBe('enabled');
    const { stdout } = requireExit(await stage.plexlift('status'), 0);
    expect(stdout).toContain(`${stage.vm.sshDestination}: Plex is not running, and is kept from starting`);
    expect(stdout).toContain(`its server answers as ${identity}`);
  });

  test('when both answer, status and verify say so, and migrate stops the old one again', async () => {
    await startSourceByHand();
    const status = requireExit(await stage.plexlift('status'), 5);
    expect(status.stdout).toContain(`DANGER: two servers with one identity are running: ${stage.vm.sshDestination} and release ${stage.release.namespace}/plex both answer as ${identity}`);
    expect(status.stdout).toContain('"plexlift migrate" stops');
    expect(status.stdout).toContain('"plexlift rollback" withdraws');
    const verify = requireExit(await stage.plexlift('verify'), 5);
    expect(verify.stderr).toMatch(/old-server-down: two servers with one identity/);
    expect(verify.stderr).toContain('DANGER: two servers');
    expect(await runningOnSource()).not.toBe('');

    requireExit(await stage.plexlift('migrate'), 3);
    requireExit(await stage.plexlift('migrate', ...consent), 0);
    expect(await runningOnSource()).toBe('');
    expect(requireExit(await stage.plexlift('status'), 0).stdout).not.toContain('DANGER');
    requireExit(await stage.plexlift('verify'), 0);
  });

  test('a server that was left held, where giving back its settings was cut off, serves again with verify', async () => {
    const { namespace, podName, fullName } = stage.release;
    const run = readJournal(join(stage.runDirectory, 'journal.ndjson')).findLast((event) => event.type === 'run-created');
    await cluster.run(['exec', podName, '--namespace', namespace, '--container', `${fullName}-pms`, '--', 'sh', '/config/.plexlift/gate.sh', 'hold', run?.type === 'run-created' ? run.run : '']);
    await cluster.run(['delete', 'pod', podName, '--namespace', namespace]);
    requireExit(await stage.plexlift('verify'), 0);
    expect(await targetIdentity()).toBe(identity);
  });

  test('while the old machine cannot be reached, the new server is told of and compared all the same', async () => {
    await withoutSsh(async () => {
      const { stdout } = requireExit(await stage.plexlift('status'), 0);
      expect(stdout).toMatch(/could not be asked \(Cannot .*\)/);
      expect(stdout).toContain(`its server answers as ${identity}`);
      expect(requireExit(await stage.plexlift('verify'), 0).stderr).toContain('cannot be reached, so it is not known whether Plex runs there');
      requireExit(await stage.plexlift('rollback'), 3);
    });
    requireExit(await stage.plexlift('verify'), 0);
  });

  test('rollback after somebody upgraded the release without the gate withdraws the library before the source serves again', async () => {
    const { namespace, release, fullName } = stage.release;
    await execa(cluster.helm3, ['upgrade', release, chartDirectory, '--namespace', namespace, '--values', join(cluster.directory, `${namespace}-${fullName}.values.json`)], { env: helmEnvironment(cluster) });
    await cluster.run(['rollout', 'status', 'statefulset', fullName, '--namespace', namespace, '--timeout=120s']);
    expect(await targetIdentity()).toBe(identity);
    expect(requireExit(await stage.plexlift('status'), 0).stdout).toContain('the gate is not in the release any more');
    // Which of the two is to go on is told by the server there, since no gate is left to tell.
    await startSourceByHand();
    requireExit(await stage.plexlift('migrate', ...consent), 0);
    expect(await runningOnSource()).toBe('');

    const rolledBack = requireExit(await stage.plexlift('rollback'), 0);
    expect(rolledBack.stderr).toContain('Taken back: restore-settings, publish, stop-source, open-target');
    const expected = { ...before, source: before.source.replaceAll(defaultPlexVersion, newerVersion) };
    expect(await lookAtBothSides(cluster, stage)).toEqual(expected);
    expect([await untilIdentity(serverOnSource(stage)), await targetIdentity()]).toEqual([identity, formerIdentity]);
  });

  test('nor does the target serve that identity after its pod was deleted and its node restarted', async () => {
    const { namespace, podName, configHostPath } = stage.release;
    await cluster.run(['delete', 'pod', podName, '--namespace', namespace]);
    expect(await targetIdentity()).toBe(formerIdentity);
    await cluster.kill('kubelet');
    signalProcesses(processesThatSee({ outside: configHostPath, inside: '/config' }), 'SIGKILL');
    await cluster.revive('kubelet');
    expect(await targetIdentity()).toBe(formerIdentity);
    expect(await untilIdentity(serverOnSource(stage))).toBe(identity);
  });

  test('a second rollback changes nothing; finish removes what was copied; the commands that were told remove the rest', async () => {
    const revisions = async () => (await execa(cluster.helm3, ['history', stage.release.release, '--namespace', stage.release.namespace], { env: helmEnvironment(cluster) })).stdout;
    const historyBefore = await revisions();
    const again = requireExit(await stage.plexlift('rollback'), 0);
    expect(again.stderr).toContain('Nothing was changed: everything was taken back already');
    const [withdrawn] = (await readdir(stage.release.configHostPath)).filter((name) => name.startsWith('Library.withdrawn-'));
    expect(again.stderr).toMatch(new RegExp(`/config/${withdrawn} \\(.*B\\): the migrated library that was withdrawn`));
    expect(again.stderr).toContain('    plexlift finish\n');

    // The old machine may be gone by then.
    await withoutSsh(async () => requireExit(await stage.plexlift('finish', '--yes', 'finish'), 0));
    const finished = requireExit(await stage.plexlift('finish'), 0);
    expect(finished.stderr).toContain('Nothing was changed: this run was finished already');
    expect(await revisions()).toBe(historyBefore);
    const commands = [...finished.stderr.matchAll(/^ {4}(\S+kubectl .*)$/gm)].map(([, command]) => command ?? '');
    expect(commands).toHaveLength(2);
    for (const command of commands) await execa('sh', ['-c', command]);
    expect(await readdir(stage.release.configHostPath)).toEqual(['Library']);
    expect(await targetIdentity()).toBe(formerIdentity);
  });
});
