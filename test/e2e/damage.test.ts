import { readFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readJournal } from '../../src/runner/journal.ts';
import type { Cluster } from '../bed/kubernetes/cluster.ts';
import { startCluster } from '../bed/kubernetes/cluster.ts';
import { damageKinds, plexOnlyDamageKinds, unseenDamageKinds, type DamageKind } from '../catalogue/damageKinds.ts';
import type { SourceState, TargetState } from './bothSides.ts';
import { identityAt, sourceState, storedLibrary, targetState } from './bothSides.ts';
import { beneathServer, contentsOf, type BeneathServer } from './damageBeneath.ts';
import { swapTitles } from './damagedDatabases.ts';
import { faultsOf } from './endings.ts';
import { configuredAs, type Plexlift } from './otherConfigurations.ts';
import { dataOnSource, serverOnSource, untilIdentity } from './sidesOfStage.ts';
import type { Stage } from './stage.ts';
import { openStage } from './stage.ts';

// Every consent is given, so that nothing but the damage can stop a run before the source is stopped.
const consents = ['--yes', 'existing-library', '--yes', 'stop-source'];

/** What the command costs with a library of this size, and room for a loaded machine. */
const promptlyMs = 60_000;

let cluster: Cluster;
let stage: Stage;
let server: BeneathServer;
let source: SourceState | string;
let target: TargetState;

beforeAll(async () => {
  cluster = await startCluster({ name: 'damage' });
  stage = await openStage({ cluster, name: 'damage' });
  server = await beneathServer(stage);
  source = await sourceNow({ serves: true });
  target = await targetState(cluster, stage.release);
});

afterAll(async () => {
  await stage?.close();
  await cluster?.stop();
});

/** The source as it is; of a server that does not serve only what systemd says of it. */
async function sourceNow({ serves }: { readonly serves: boolean }): Promise<SourceState | string> {
  if (serves) return sourceState(stage.vm);
  return (await stage.vm.run('systemctl show plexmediaserver.service --property=ActiveState,SubState,UnitFileState; find /etc/systemd /run/systemd/system -name "plexmediaserver*" | sort')).stdout;
}

async function startServer(): Promise<void> {
  await stage.vm.run('systemctl start plexmediaserver', { timeoutMs: 60_000 });
  await untilIdentity(serverOnSource(stage));
  source = await sourceNow({ serves: true });
}

/** What a run did that only a sound library allows: nothing of it may be in a journal that damage ended. */
function stepsTowardsStopping(plexlift: Plexlift): readonly string[] {
  return readJournal(join(plexlift.runDirectory, 'journal.ndjson')).flatMap((event) => {
    if (event.type === 'question-answered') return event.id === 'stop-source' ? [`answered ${event.id}`] : [];
    return event.type === 'step-begun' && ['open-target', 'media', 'copy-ahead', 'stop-source'].includes(event.step) ? [`began ${event.step}`] : [];
  });
}

function reportOf(plexlift: Plexlift): string {
  return readFileSync(join(plexlift.runDirectory, 'report.md'), 'utf8');
}

/** How a run on a damage has to end. */
interface WantedEnding {
  /** Whether Plex serves on the source meanwhile. */
  readonly serves: boolean;
  readonly words: readonly string[];
  readonly exitCode: number;
  readonly says: readonly (string | RegExp)[];
  /** What is wrong with the report; nothing at best. */
  readonly faultsOfReport: (report: string) => readonly string[];
}

/** Runs plexlift on a damage beneath the running server; gives back all that is wrong with how it ended, and with what it left on both sides. */
async function faultsOnDamage(damage: DamageKind | (typeof unseenDamageKinds)[number], { serves, words, exitCode, says, faultsOfReport }: WantedEnding): Promise<readonly string[]> {
  const plexlift = await configuredAs(stage, damage.name.replaceAll(/[^a-z0-9]+/gi, '-'));
  const faults = await server.damaged({ apply: damage.apply, isHeldOpen: serves }, async (databases) => {
    const before = contentsOf(databases);
    const outcome = await plexlift.run('migrate', ...consents, ...words);
    return [
      ...faultsOf(outcome, { exitCode, says: [...says, `${stage.vm.sshDestination}: Plex is ${serves ? 'running' : 'not running'}`], withinMs: promptlyMs }),
      ...stepsTowardsStopping(plexlift),
      ...faultsOfReport(reportOf(plexlift)),
      ...differences('the databases', { before, after: contentsOf(databases) }),
    ];
  });
  if (stepsTowardsStopping(plexlift).length > 0) {
    // So that the next kind finds both sides as they were; the landing area outlives a rollback.
    await plexlift.run('rollback');
    await rm(join(stage.release.configHostPath, '.plexlift'), { recursive: true, force: true });
    if (serves) await untilIdentity(serverOnSource(stage));
    [source, target] = [await sourceNow({ serves }), await targetState(cluster, stage.release)];
    return faults;
  }
  return [...faults, ...differences('the source', { before: source, after: await sourceNow({ serves }) }), ...differences('the target', { before: target, after: await targetState(cluster, stage.release) })];
}

function differences(what: string, { before, after }: { readonly before: unknown; readonly after: unknown }): readonly string[] {
  return isDeepStrictEqual(before, after) ? [] : [`${what}: ${JSON.stringify(before)} became ${JSON.stringify(after)}`];
}

/** The ending that every damage has to have which somebody can see. */
function refusal({ expected }: DamageKind, { serves }: { readonly serves: boolean }): WantedEnding {
  return {
    serves,
    words: [],
    exitCode: 3,
    says: [expected, 'was not stopped', 'nothing of this run is on it'],
    faultsOfReport: (report) => (expected.test(report) ? [] : [`the report does not say ${String(expected)}`]),
  };
}

describe('damage beneath a running server', () => {
  test.each(damageKinds.filter(({ inLog }) => inLog !== true))('$name: refused before anything is stopped, with all that is known of it', async (kind) => {
    expect(await faultsOnDamage(kind, refusal(kind, { serves: true }))).toEqual([]);
  });

  test.each(plexOnlyDamageKinds)("$name: Plex's own SQLite on the source sees what no other can, before anything is stopped", async (kind) => {
    expect(await faultsOnDamage(kind, refusal(kind, { serves: true }))).toEqual([]);
  });

  test.each(unseenDamageKinds)('$name: nobody can see it, and nobody says that he did', async (kind) => {
    const claims = /undamaged|every value is (?:right|correct)|proves? that (?:the|every) (?:content|value)/i;
    const faultsOfReport = (report: string): readonly string[] => [
      ...(claims.test(report) ? [`the report claims "${claims.exec(report)?.[0] ?? ''}"`] : []),
      ...(/Proven by nobody: No examination can prove that a text/.test(report) ? [] : ['the report does not say what nobody proves']),
    ];
    expect(await faultsOnDamage(kind, { serves: true, words: ['--until', 'examine'], exitCode: 0, says: [], faultsOfReport })).toEqual([]);
  });
});

// A running server goes by what it shares in memory, and takes a log in when it starts: so this is what one that was killed leaves.
describe('damage in a log that a server left behind', () => {
  beforeAll(async () => {
    await stage.vm.run('systemctl stop plexmediaserver', { timeoutMs: 60_000 });
    source = await sourceNow({ serves: false });
  });

  afterAll(startServer);

  test.each(damageKinds.filter(({ inLog }) => inLog === true))('$name: refused with all that is known of it', async (kind) => {
    expect(await faultsOnDamage(kind, refusal(kind, { serves: false }))).toEqual([]);
  });
});

describe('damage that stock SQLite cannot see, on which the server starts', () => {
  const ownSqlite = '/usr/lib/plexmediaserver/Plex SQLite';
  const wrongOrder = /com\.plexapp\.plugins\.library\.db.*index_title_sort_icu/;

  beforeAll(async () => {
    await stage.vm.run('systemctl stop plexmediaserver', { timeoutMs: 60_000 });
    swapTitles(join(dataOnSource(stage), 'Plug-in Support', 'Databases', 'com.plexapp.plugins.library.db'));
    await startServer();
  });

  test("the source's own Plex SQLite sees it before anything is stopped", async () => {
    const plexlift = await configuredAs(stage, 'seen-on-the-source');
    const outcome = await plexlift.run('migrate', ...consents);
    expect(faultsOf(outcome, { exitCode: 3, says: [wrongOrder, 'that no other SQLite can see', 'was not stopped', `${stage.vm.sshDestination}: Plex is running`], withinMs: promptlyMs })).toEqual([]);
    expect(stepsTowardsStopping(plexlift)).toEqual([]);
    expect(reportOf(plexlift)).toMatch(wrongOrder);
    expect(await sourceNow({ serves: true })).toEqual(source);
    expect(await targetState(cluster, stage.release)).toEqual(target);
  });

  test('where the source lacks that program, the one in the pod sees it before anything is published, and rollback brings the source back', async () => {
    const plexlift = await configuredAs(stage, 'seen-in-the-pod');
    await stage.vm.run(`mv '${ownSqlite}' /root/plex-sqlite`);
    try {
      const outcome = await plexlift.run('migrate', ...consents);
      expect(faultsOf(outcome, { exitCode: 3, says: [wrongOrder, 'Nothing was published', `${stage.vm.sshDestination}: Plex is not running`, 'plexlift rollback'] })).toEqual([]);
      expect(readJournal(join(plexlift.runDirectory, 'journal.ndjson')).filter((event) => event.type === 'step-begun' && event.step === 'publish')).toEqual([]);
      expect(reportOf(plexlift)).toMatch(wrongOrder);
      expect(await storedLibrary(join(stage.release.configHostPath, 'Library'))).toEqual(target.library);
      expect((await readdir(stage.release.configHostPath)).filter((name) => name.startsWith('Library'))).toEqual(['Library']);

      const back = await plexlift.run('rollback');
      expect(faultsOf(back, { exitCode: 0, says: [`${stage.vm.sshDestination}: Plex is running`] })).toEqual([]);
      expect(await untilIdentity(serverOnSource(stage))).toBe(stage.library.processedMachineIdentifier);
      expect(await identityAt(await stage.release.serverUrl())).toBe(target.identity);
      expect(await storedLibrary(join(stage.release.configHostPath, 'Library'))).toEqual(target.library);
    } finally {
      await stage.vm.run(`mv /root/plex-sqlite '${ownSqlite}'`);
    }
  });
});
