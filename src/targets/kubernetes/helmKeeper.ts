import { messageOf, PlexliftError } from '../../errors.ts';
import type { JsonObject } from '../../runner/json.ts';
import { readGateScript } from '../gate/gateScript.ts';
import type { OpenRequest, TargetFacts } from '../target.ts';
import type { Cluster } from './cluster.ts';
import { hasGate, missingParts } from './gateParts.ts';
import { gateValues, pinnedTag, pinnedValues, runAnnotation, runOf, scriptAnnotation, scriptDigest } from './gateValues.ts';
import type { Release } from './release.ts';
import { noSuchRelease, readRelease, rollbackCommand, upgradeRelease } from './release.ts';
import type { ReleaseKeeper } from './releaseKeeper.ts';
import { releaseBefore } from './releaseKeeper.ts';
import { findStatefulSet, plexContainer } from './workload.ts';

/** Changes a release with Helm: upgraded with its own chart as recorded (or another one), and put back by rolling back. */
export function helmKeeper(cluster: Cluster, { release, chart }: { readonly release: string; readonly chart: string | undefined }): ReleaseKeeper {
  async function requireRelease(): Promise<Release> {
    const found = await readRelease(cluster, release);
    if (found === null) throw noSuchRelease(cluster, release);
    return found;
  }

  async function rollBackTo(revision: number): Promise<void> {
    await cluster.helm(['rollback', release, String(revision), '--history-max', '0'], { timeoutMs: 300_000 });
  }

  /** The release as it was before anything was changed. */
  async function formerRelease(before: TargetFacts, now: Release): Promise<Release> {
    const { revision } = releaseBefore(before);
    if (revision === null) {
      throw new PlexliftError('failed', `Cannot find your own values of release "${release}": a controller owned it when it was looked at first, and Helm had no record of it`, { remedy: 'Let that controller own it again, then run the same command again' });
    }
    const former = revision === now.revision ? now : await readRelease(cluster, release, revision);
    if (former !== null) return former;
    throw new PlexliftError('failed', `Cannot find revision ${revision} of release "${release}", which holds your own values`, { remedy: 'Helm keeps ten revisions by default and drops older ones. Restore your values with "helm upgrade" and your own values file' });
  }

  /** What somebody upgraded since would be undone by the gate, and what was found out of the release may not be true of it any more. */
  function requireUnchanged(found: Release, former: Release): void {
    const isTheirs = !found.status.startsWith('pending-') && runOf(found.values) === null;
    if (!isTheirs || isSame(found, former)) return;
    throw new PlexliftError('refused', `Cannot put the gate into release "${release}": it was upgraded since it was looked at`, {
      facts: [`it was looked at as revision ${former.revision}, and revision ${found.revision} has other values, or another chart`],
      remedy: `To keep the upgrade: "plexlift rollback", which puts the release back to revision ${former.revision}; upgrade it again; then "plexlift migrate" looks at it anew. To do without: "${rollbackCommand(cluster, release, former.revision)}", then run the same command again`,
    });
  }

  /** Upgrades to these values; a try that fails is rolled back, so that the release is as it was before. */
  async function upgrade(now: Release, { values, description, backTo }: { readonly values: JsonObject; readonly description: string; readonly backTo: number }): Promise<void> {
    try {
      await upgradeRelease(cluster, { release, chart: chart ?? now.chart, values, description });
    } catch (error) {
      // Where the record cannot be read either, what Helm said is what a person needs; the same command looks again.
      const after = await readRelease(cluster, release).catch(() => null);
      // Helm refused before it changed anything, e.g. a chart that cannot be rendered.
      if (after === null || after.revision === now.revision) throw error;
      throw await rolledBack(error, { backTo, trouble: 'Helm could not upgrade it' });
    }
  }

  /** Rolls back after a failure, and gives back the error that tells both. */
  async function rolledBack(cause: unknown, { backTo, trouble }: { readonly backTo: number; readonly trouble: string }): Promise<PlexliftError> {
    const facts = cause instanceof PlexliftError ? [...cause.facts, ...(cause.facts.length === 0 ? [cause.message] : [])] : [messageOf(cause)];
    try {
      await rollBackTo(backTo);
    } catch (error) {
      return new PlexliftError('failed', `Cannot change release "${release}": ${trouble}, and it could not be put back to revision ${backTo}: ${messageOf(error)}`, { facts, remedy: `Remove the cause; put it back with "${rollbackCommand(cluster, release, backTo)}"; then run the same command again`, cause });
    }
    return new PlexliftError('failed', `Cannot change release "${release}": ${trouble}. It was put back to revision ${backTo}`, { facts, remedy: 'Remove the cause that is named above, then run the same command again', cause });
  }

  /** Helm refuses every upgrade while a revision is pending. One that this run's Helm left when it was killed is rolled back. */
  async function unlock(found: Release, { run, before }: OpenRequest): Promise<void> {
    if (!found.status.startsWith('pending-')) return;
    const former = await formerRelease(before, found);
    const isOurs = runOf(found.values) === run || JSON.stringify(found.values) === JSON.stringify(former.values);
    if (!isOurs) {
      throw new PlexliftError('failed', `Cannot upgrade release "${release}": its revision ${found.revision} is ${found.status}`, {
        remedy: `Another helm is at work on it, or was killed. When you are certain that none runs: "${rollbackCommand(cluster, release, former.revision)}", then run the same command again`,
      });
    }
    await rollBackTo(former.revision);
  }

  async function isGateThere(): Promise<boolean> {
    return hasGate(await findStatefulSet(cluster, release));
  }

  /** Makes the newest revision with the gate, between these two, the newest of all. */
  async function returnToGate({ from, to }: { readonly from: number; readonly to: number }): Promise<void> {
    for (let revision = to - 1; revision > from; revision -= 1) {
      const candidate = await readRelease(cluster, release, revision);
      if (candidate !== null && runOf(candidate.values) !== null) return rollBackTo(revision);
    }
    return undefined;
  }

  async function putBack(before: TargetFacts): Promise<readonly string[]> {
    const now = await requireRelease();
    const then = await formerRelease(before, now);
    const isAsBefore = now.status === 'deployed' && isSame(now, then);
    const isGateLeft = await isGateThere();
    // A rollback that was killed left its revision on record, and not in the cluster: Helm takes away only what its newest record holds.
    if (isGateLeft && runOf(now.values) === null) await returnToGate({ from: then.revision, to: now.revision });
    if (!isAsBefore || isGateLeft) await rollBackTo(then.revision);
    if (await isGateThere()) throw new PlexliftError('failed', `Cannot put release "${release}" back: the gate is still in its StatefulSet`, { remedy: 'Look at "helm history"; "helm upgrade" it with your own values file, then run the same command again' });
    return [isAsBefore && !isGateLeft ? `Release "${release}" is at its former values` : `Release "${release}" was put back to revision ${then.revision}`];
  }

  return {
    async putGate(request, { acceptsChanges } = {}) {
      const script = await readGateScript();
      const set = await findStatefulSet(cluster, release);
      const { annotations } = set.spec.template.metadata;
      const isThere = hasGate(set) && annotations[runAnnotation] === request.run && annotations[scriptAnnotation] === scriptDigest(script);
      const found = await requireRelease();
      if (isThere && found.status === 'deployed') return [];
      await unlock(found, request);
      const former = await formerRelease(request.before, found);
      if (acceptsChanges !== true) requireUnchanged(found, former);
      const values = gateValues({ values: former.values, run: request.run, script, plex: plexContainer(set), version: request.version, owner: request.before.owner, nodePassesMountsOn: releaseBefore(request.before).nodePassesMountsOn });
      const backTo = found.status === 'deployed' ? found.revision : former.revision;
      await upgrade(await requireRelease(), { values, description: `plexlift ${request.run}: gate`, backTo });
      const missing = await missingParts(cluster, await findStatefulSet(cluster, release), values);
      if (missing.length > 0) throw await rolledBack(new PlexliftError('refused', `its chart ${found.chart.metadata.version} makes nothing of: ${missing.join(', ')}`, { remedy: '' }), { backTo, trouble: 'its StatefulSet does not carry the gate' });
      return [`Release "${release}" was upgraded with ${chart === undefined ? `its own chart ${found.chart.metadata.version}` : `the chart "${chart}"`}: the gate holds Plex back${request.version === null ? '' : `, and image.tag is ${request.version}`}`];
    },

    goBack: async (before) => (await putBack(before)).join('; '),
    putBack,

    async takeGateAway(before) {
      const now = await requireRelease();
      const version = (await isGateThere()) ? pinnedTag(now.values) : null;
      await upgrade(now, { values: pinnedValues((await formerRelease(before, now)).values, version), description: 'plexlift: finished', backTo: now.revision });
      return version === null ? [] : [`Put this into your values file, or your next upgrade changes the server's version: image.tag: ${version}`];
    },
  };
}

function isSame(one: Release, other: Release): boolean {
  return JSON.stringify(one.values) === JSON.stringify(other.values) && JSON.stringify(one.chart) === JSON.stringify(other.chart);
}
