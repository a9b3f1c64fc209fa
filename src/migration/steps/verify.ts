import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { pickSamples } from '../../catalogue/samples.ts';
import { messageOf, PlexliftError } from '../../errors.ts';
import { preferencesFile } from '../../plex/dataDirectory.ts';
import { readPreferences } from '../../plex/preferences.ts';
import type { Check, CheckOutcome, Finding } from '../../runner/check.ts';
import { plexServer } from '../../server/plexServer.ts';
import type { VerifyContext } from '../checks/runningServer.ts';
import { goBack, verifyChecks } from '../checks/runningServer.ts';
import type { MigrationStep } from '../migration.ts';
import { whileWaiting } from '../whileWaiting.ts';
import { inspect } from './inspect.ts';
import { openTarget } from './openTarget.ts';
import { stopSource } from './stopSource.ts';

/** What comparing the running server with what was delivered found. */
export type Verified = { readonly server: 'compared' | 'none'; readonly checks: readonly CheckOutcome[] };

/** The first start may convert the search tables of an older library, which takes minutes; killing it would do harm. */
const firstStartTimeoutMs = 10 * 60_000;
const playableSamples = 10;
const artworkSamples = 20;
/** A server that goes away while it is compared (its container ends, its pod is replaced) is waited for so often. */
const comebacks = 3;

/** Compares the running server with what was delivered: identity, version, libraries, counts, files really read, artwork. */
export const verify: MigrationStep<'runs' | 'source' | 'target' | 'directory' | 'manifest' | 'record', Verified> = {
  name: 'verify',
  title: 'Compare the running server with what was moved',
  touches: 'nothing',
  async run({ runs, source: oldServer, target, directory, manifest, record, note, resultOf, progress }) {
    const connect = () => whileWaiting(target.connect({ timeoutMs: firstStartTimeoutMs, runs }), { what: 'waiting for the server on the target', progress });
    let connection = await connect();
    if (connection === null) {
      note(`${target.name} runs no server: what arrived was proven by its files, and nothing was asked of a server`);
      return { server: 'none', checks: [] };
    }
    try {
      const token = readPreferences(readFileSync(join(directory.rewritten, preferencesFile))).get('PlexOnlineToken');
      const missing = missingPaths(directory.missingMedia);
      const samples = await pickSamples(directory.rewritten, { playable: playableSamples, artwork: artworkSamples, isMissing: (path) => missing.has(path) });
      const source = resultOf(inspect).source;
      const contextOn = (baseUrl: string): VerifyContext => ({
        server: plexServer({ baseUrl, token }),
        oldServer,
        target,
        manifest: manifest(),
        samples,
        onDeck: resultOf(stopSource).onDeck,
        expected: { machineIdentifier: source.processedMachineIdentifier, version: resultOf(openTarget).version, claimed: token !== null },
      });
      const [checks, notCompared]: [CheckOutcome[], string[]] = [[], []];
      let comebacksLeft = comebacks;
      for (const check of verifyChecks) {
        let answered = await ask(check, contextOn(connection.baseUrl));
        for (; 'isServerGone' in answered && comebacksLeft > 0; comebacksLeft -= 1) {
          note(`the server on ${target.name} went away while "${check.name}" was compared: it is waited for and asked again`);
          await connection.close();
          connection = (await connect()) ?? connection;
          answered = await ask(check, contextOn(connection.baseUrl));
        }
        if ('isServerGone' in answered) throw wentAway(target.name, { check: check.name, reason: answered.reason });
        const { finding, wasCompared } = answered;
        if (!wasCompared) notCompared.push(check.name);
        checks.push({ name: check.name, claim: check.claim, finding, accepted: false });
        record({ type: 'check-finished', step: 'verify', name: check.name, claim: check.claim, finding, accepted: false });
      }
      const failed = checks.filter((check) => check.finding.status === 'fail');
      if (failed.length > 0) throw difference(target.name, { failed, notCompared });
      return { server: 'compared', checks };
    } finally {
      await connection.close();
    }
  },
};

/** `wasCompared` is false where there was no answer to be compared. */
type Answered = { readonly finding: Finding; readonly wasCompared: boolean } | { readonly isServerGone: true; readonly reason: string };

/** A server that has just started may refuse for a moment: each check is asked again a few times before it counts as failed, or the server as gone. */
async function ask(check: Check<VerifyContext>, context: VerifyContext): Promise<Answered> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return { finding: await check.run(context), wasCompared: true };
    } catch (error) {
      if (attempt === 4) {
        const reason = messageOf(error);
        return (await answers(context)) ? { finding: { status: 'fail', detail: `could not be compared: ${reason}`, remedy: goBack }, wasCompared: false } : { isServerGone: true, reason };
      }
      await delay(attempt * 1500);
    }
  }
}

async function answers({ server }: VerifyContext): Promise<boolean> {
  try {
    await server.identity();
    return true;
  } catch (error) {
    if (error instanceof PlexliftError) return false;
    throw error;
  }
}

function wentAway(name: string, { check, reason }: { readonly check: string; readonly reason: string }): PlexliftError {
  return new PlexliftError('failed', `The server on ${name} keeps going away while it is compared`, {
    facts: [`${check}: could not be compared: ${reason}`],
    remedy: 'Look at the log of the server and the events of its pod for what ends it; the same command then waits for it and compares again',
  });
}

function difference(name: string, { failed, notCompared }: { readonly failed: readonly CheckOutcome[]; readonly notCompared: readonly string[] }): PlexliftError {
  const facts = failed.flatMap(({ name: check, finding }) => (finding.status === 'fail' ? [`${check}: ${finding.detail}`] : []));
  const silent = notCompared.length;
  const differing = failed.length - silent;
  const points = (count: number): string => (count === 1 ? 'one point' : `${count} points`);
  const parts = [...(differing > 0 ? [`differs from what was moved in ${points(differing)}`] : []), ...(silent > 0 ? [`could not be compared with what was moved in ${points(silent)}`] : [])];
  return new PlexliftError('difference', `The server on ${name} ${parts.join(', and ')}`, { facts, remedy: goBack });
}

/** Media paths that could not be read when they were looked up, one JSON object a line. */
function missingPaths(file: string): ReadonlySet<string> {
  if (!existsSync(file)) return new Set();
  const lines = readFileSync(file, 'utf8').split('\n').filter((line) => line !== '');
  const listed = lines.map((line) => JSON.parse(line) as { readonly path: string; readonly status?: string });
  return new Set(listed.filter(({ status }) => status !== 'other size').map(({ path }) => path));
}
