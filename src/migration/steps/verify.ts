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

/** Compares the running server with what was delivered: identity, version, libraries, counts, files really read, artwork. */
export const verify: MigrationStep<'source' | 'target' | 'directory' | 'manifest' | 'record', Verified> = {
  name: 'verify',
  title: 'Compare the running server with what was moved',
  touches: 'nothing',
  async run({ source: oldServer, target, directory, manifest, record, note, resultOf, progress }) {
    const connection = await whileWaiting(target.connect({ timeoutMs: firstStartTimeoutMs }), { what: 'waiting for the server on the target', progress });
    if (connection === null) {
      note(`${target.name} runs no server: what arrived was proven by its files, and nothing was asked of a server`);
      return { server: 'none', checks: [] };
    }
    try {
      const token = readPreferences(readFileSync(join(directory.rewritten, preferencesFile))).get('PlexOnlineToken');
      const missing = missingPaths(directory.missingMedia);
      const samples = await pickSamples(directory.rewritten, { playable: playableSamples, artwork: artworkSamples, isMissing: (path) => missing.has(path) });
      const source = resultOf(inspect).source;
      const context: VerifyContext = {
        server: plexServer({ baseUrl: connection.baseUrl, token }),
        oldServer,
        target,
        manifest: manifest(),
        samples,
        onDeck: resultOf(stopSource).onDeck,
        expected: { machineIdentifier: source.processedMachineIdentifier, version: resultOf(openTarget).version, claimed: token !== null },
      };
      const checks: CheckOutcome[] = [];
      for (const check of verifyChecks) {
        const finding = await outcome(check, context);
        checks.push({ name: check.name, claim: check.claim, finding, accepted: false });
        record({ type: 'check-finished', step: 'verify', name: check.name, claim: check.claim, finding, accepted: false });
      }
      const differences = checks.filter((check) => check.finding.status === 'fail');
      if (differences.length > 0) throw difference(target.name, differences);
      return { server: 'compared', checks };
    } finally {
      await connection.close();
    }
  },
};

/** A server that has just started may refuse for a moment: each check is asked again a few times before it counts as failed. */
async function outcome(check: Check<VerifyContext>, context: VerifyContext): Promise<Finding> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await check.run(context);
    } catch (error) {
      if (attempt === 4) return { status: 'fail', detail: `could not be compared: ${messageOf(error)}`, remedy: goBack };
      await delay(attempt * 1500);
    }
  }
}

function difference(name: string, differences: readonly CheckOutcome[]): PlexliftError {
  return new PlexliftError('difference', `The server on ${name} differs from what was moved in ${differences.length === 1 ? 'one point' : `${differences.length} points`}`, {
    facts: differences.flatMap(({ name: check, finding }) => (finding.status === 'fail' ? [`${check}: ${finding.detail}`] : [])),
    remedy: goBack,
  });
}

/** Media paths that could not be read when they were looked up, one JSON object a line. */
function missingPaths(file: string): ReadonlySet<string> {
  if (!existsSync(file)) return new Set();
  const lines = readFileSync(file, 'utf8').split('\n').filter((line) => line !== '');
  const listed = lines.map((line) => JSON.parse(line) as { readonly path: string; readonly status?: string });
  return new Set(listed.filter(({ status }) => status !== 'other size').map(({ path }) => path));
}
