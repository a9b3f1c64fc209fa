import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cluster } from '../bed/kubernetes/cluster.ts';
import { startCluster } from '../bed/kubernetes/cluster.ts';
import { sitDown } from './personAtTerminal.ts';
import type { Stage } from './stage.ts';
import { openStage } from './stage.ts';

let cluster: Cluster;
let stage: Stage;

beforeAll(async () => {
  cluster = await startCluster({ name: 'watching' });
  stage = await openStage({ cluster, name: 'watching' });
});

afterAll(async () => {
  await stage?.close();
  await cluster?.stop();
});

/** Asks the stand-in server, on its own machine, to behave like one that is in use. */
async function tellServer(method: 'POST' | 'DELETE', path: string): Promise<void> {
  const { exitCode, stderr } = await stage.vm.run(`curl --fail --silent --show-error --request ${method} 'http://127.0.0.1:32400/standin/${path}'`);
  if (exitCode !== 0) throw new Error(`the server refused ${method} ${path}: ${stderr}`);
}

test('a server in use is backed up and copied ahead while it writes, and stopped only when nobody watches any more', async () => {
  await tellServer('POST', 'writes?perSecond=50');
  const ahead = await stage.plexlift('migrate', '--yes', 'existing-library', '--until', 'copy-ahead');
  expect(ahead).toMatchObject({ exitCode: 0 });
  expect(ahead.stderr).toContain(`${stage.vm.sshDestination}: Plex is running`);

  await tellServer('POST', 'session?title=The%20Long%20Film&user=Ann');
  await tellServer('POST', 'session?title=Pilot&user=Bob&transcode=1');
  const person = await sitDown(['migrate', '--until', 'take-catalogue', '--config', stage.configuration], stage.directory);
  try {
    const question = await person.sees(`Stop Plex on ${stage.vm.sshDestination} now?`, { timeoutMs: 120_000 });
    expect(question).toContain('Ann is watching "The Long Film"');
    expect(question).toMatch(/Bob is watching "Pilot" .*being transcoded/);
    expect(question).toContain('Do not sign out of the old server');
    expect(question).toContain('● not now');
    await person.chooses('wait until nobody is watching');
    await person.sees('waiting for 2 streams');
    expect((await stage.vm.run('systemctl is-active plexmediaserver')).stdout.trim()).toBe('active');

    await tellServer('DELETE', 'session');
    expect(await person.exitCode()).toBe(0);
    expect((await stage.vm.run('systemctl is-active plexmediaserver')).stdout.trim()).toBe('inactive');
  } finally {
    await person.leaves();
  }

  const journal = readFileSync(join(stage.runDirectory, 'journal.ndjson'), 'utf8');
  expect(journal).toContain('"answer":"wait"');
  expect(journal).not.toContain(stage.library.token);

  const back = await stage.plexlift('rollback');
  expect(back).toMatchObject({ exitCode: 0 });
  expect(back.stderr).toContain(`${stage.vm.sshDestination}: Plex is running`);
});
