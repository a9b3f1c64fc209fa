import { statfs } from 'node:fs/promises';
import { command } from '../../machines/command.ts';
import type { Machine } from '../../machines/machine.ts';
import { compareVersions, parseVersion } from '../../plex/versions.ts';
import type { Check } from '../../runner/check.ts';
import type { PathPair } from '../../runner/events.ts';
import type { Activity, SourceFacts } from '../../sources/source.ts';
import type { TargetFacts } from '../../targets/target.ts';
import { bytesText } from '../../units.ts';
import { serverPlaceChecks } from './serverPlace.ts';

/** What the checks of both sides together look at. */
export interface PreflightContext {
  readonly source: SourceFacts;
  readonly target: TargetFacts;
  readonly pairs: readonly PathPair[];
  readonly here: Pick<Machine, 'run'>;
  readonly runDirectory: string;
  readonly activity: () => Promise<Activity>;
}

/** The catalogue exists here as backup, trial, as taken, settled and rewritten, and once more as scratch of the integrity check. */
const catalogueCopiesHere = 6;
/** Room to spare on the volume: Plex writes to its database and artwork from its first minute on. */
const volumeReserveBytes = 1024 ** 3;
/** Entries that come with the gate itself: lists, receipts, landing directories. */
const volumeReserveInodes = 1000;

/** Claims about both sides together; those about one kind of source or target stand with that kind. */
export const preflightChecks: readonly Check<PreflightContext>[] = [
  {
    name: 'same-version',
    claim: 'The target runs exactly the version of the source',
    async run({ source, target }) {
      if (source.version === null) return { status: 'fail', detail: `the version of the source is not known (${source.versionFrom})`, remedy: 'Set source.version in the configuration to the exact version, as "dpkg-query -W plexmediaserver" or /identity tells it' };
      if (target.version === null) return { status: 'skip', reason: `${target.name} runs no server` };
      if (source.version === target.version) return { status: 'pass', detail: `both are ${source.version}` };
      const detail = `the source is ${source.version}, the target ${target.version}`;
      const [ours, theirs] = [parseVersion(source.version), parseVersion(target.version)];
      const danger = ours === null || theirs === null ? 'A version that is not exact may change at every start' : compareVersions(ours, theirs) > 0 ? 'An older server cannot open a newer database' : 'A newer server converts the database at its first start, which cannot be taken back';
      return { status: 'fail', detail, remedy: `${danger}. --accept same-version lets plexlift pin the release's image.tag to ${source.version} until rollback or your own change; or bring both to one version yourself` };
    },
  },
  {
    name: 'mapping-has-mounts',
    claim: 'Every path that media are mapped to is a mount of the target or lies below one',
    async run({ target, pairs }) {
      if (target.mounts === null) return { status: 'skip', reason: `${target.name} declares no mounts` };
      const mounts = target.mounts;
      const bare = pairs.filter(({ to }) => !mounts.some((mount) => to === mount || to.startsWith(`${mount}/`)));
      if (bare.length === 0) return { status: 'pass', detail: pairs.map(({ to }) => to).join(', ') };
      return { status: 'fail', detail: `no volume is mounted at ${bare.map(({ to }) => `"${to}"`).join(', ')}`, remedy: 'Add the media volumes to the release (extraVolumes and extraVolumeMounts), or correct "to" in the configuration' };
    },
  },
  {
    name: 'mapping-does-not-chain',
    claim: 'No path is mapped to a place that is itself mapped elsewhere',
    async run({ pairs }) {
      const chained = pairs.filter((pair) => pairs.some((other) => pair.to === other.from || pair.to.startsWith(`${other.from}/`)));
      if (chained.length === 0) return { status: 'pass', detail: `${pairs.length} prefixes` };
      return { status: 'warn', detail: chained.map(({ from, to }) => `"${from}" becomes "${to}", which another mapping begins with`).join('; '), remedy: 'plexlift maps each path once, so this is safe; make sure that it is what you mean' };
    },
  },
  {
    name: 'tools-here',
    claim: 'This computer has GNU tar and GNU find, with which the databases are delivered',
    async run({ here }) {
      const lacking: string[] = [];
      for (const tool of ['tar', 'find']) {
        const { stdout } = await here.run(command(tool, '--version'), { answers: [0, 1, 2, 64] });
        if (!stdout.includes('GNU')) lacking.push(tool);
      }
      if (lacking.length === 0) return { status: 'pass', detail: 'both are there' };
      return { status: 'fail', detail: `no GNU ${lacking.join(', no GNU ')}`, remedy: 'Install them under these names (on macOS: gnu-tar and findutils, first in PATH), or run plexlift on a Linux computer' };
    },
  },
  {
    name: 'room-here',
    claim: 'This computer has room for the copies of the databases',
    async run({ source, runDirectory }) {
      const { bavail, bsize } = await statfs(runDirectory);
      const neededBytes = source.databaseBytes * catalogueCopiesHere;
      const detail = `${bytesText(bavail * bsize)} free in "${runDirectory}", ${bytesText(neededBytes)} needed`;
      if (bavail * bsize >= neededBytes) return { status: 'pass', detail };
      return { status: 'fail', detail, remedy: 'Free some room, or choose another place with --run DIR' };
    },
  },
  {
    name: 'volume-room',
    claim: 'The target volume has room for the data',
    async run({ source, target }) {
      if (target.room === null) return { status: 'skip', reason: 'the volume cannot be looked at yet; it is measured when the target is opened, before anything is copied' };
      return roomFinding({ source, room: target.room, existingLibrary: target.existingLibrary.present });
    },
  },
  ...serverPlaceChecks,
  {
    name: 'existing-library',
    claim: 'The target holds no library yet',
    async run({ target }) {
      if (!target.existingLibrary.present) return { status: 'pass', detail: 'there is none' };
      return { status: 'warn', detail: `there is one${target.existingLibrary.machineIdentifier === null ? '' : ` (machine identifier ${target.existingLibrary.machineIdentifier})`}`, remedy: 'You will be asked before anything is done with it; it is set aside under another name, never overwritten' };
    },
  },
  {
    name: 'one-identity',
    claim: 'No library with the identity of the source is on the target',
    async run({ source, target }) {
      const theirs = target.existingLibrary.machineIdentifier;
      if (theirs === null || source.machineIdentifier === null || theirs !== source.machineIdentifier) return { status: 'pass', detail: theirs === null ? 'no library with an identity is there' : 'the identities differ' };
      return { status: 'fail', detail: `the library on the target already carries the machine identifier ${theirs}`, remedy: 'Stop that server first: two servers with one identity damage each other\'s watch state. If it is an earlier copy of this one and stopped for good, go on with --accept one-identity' };
    },
  },
  {
    name: 'identity-known',
    claim: 'The source has an identity that can be moved',
    async run({ source }) {
      if (source.machineIdentifier !== null) return { status: 'pass', detail: source.processedMachineIdentifier ?? source.machineIdentifier };
      return { status: 'fail', detail: 'Preferences.xml has no MachineIdentifier', remedy: 'Start Plex once on the source so that it writes one; without it clients and shares cannot follow' };
    },
  },
  {
    name: 'source-serving',
    claim: 'The source is serving',
    async run({ source }) {
      if (source.running) return { status: 'pass', detail: `${source.name} runs ${source.version ?? 'an unknown version'}` };
      if (source.service === null) return { status: 'skip', reason: 'a directory has no server' };
      return { status: 'warn', detail: `${source.service.unit} is ${source.service.activeState}`, remedy: 'That is fine if you stopped it; rollback will leave it stopped as it was found' };
    },
  },
  {
    name: 'nobody-watching',
    claim: 'Nobody is watching or transcoding',
    async run({ source, activity }) {
      if (!source.running) return { status: 'skip', reason: 'the source is not running' };
      const now = await activity();
      if (!now.known) return { status: 'warn', detail: `the server could not be asked: ${now.reason ?? 'no reason given'}`, remedy: 'You will be asked before the source is stopped' };
      const busy = now.streams.length + now.backgroundJobs.length;
      if (busy === 0) return { status: 'pass', detail: 'no streams, no background jobs' };
      return { status: 'warn', detail: `${now.streams.length} streams and ${now.backgroundJobs.length} background jobs are in progress`, remedy: 'Nothing is interrupted before you are asked; you can then wait until they end' };
    },
  },
];

/** Whether a volume has room for what will come, with a reserve. An existing library stays beside it until it is removed by hand. */
export function roomFinding(facts: { readonly source: SourceFacts; readonly room: NonNullable<TargetFacts['room']>; readonly existingLibrary: boolean }) {
  const neededBytes = facts.source.bulkBytes + facts.source.databaseBytes * 2 + volumeReserveBytes;
  const neededInodes = facts.source.bulkEntries + volumeReserveInodes;
  const detail = `${bytesText(facts.room.freeBytes)} and ${facts.room.freeInodes} inodes free, ${bytesText(neededBytes)} and ${neededInodes} inodes needed`;
  if (facts.room.freeBytes >= neededBytes && facts.room.freeInodes >= neededInodes) return { status: 'pass', detail } as const;
  return { status: 'fail', detail, remedy: 'Make room on the volume, or enlarge the claim, where its storage class allows that (kubectl patch persistentvolumeclaim); otherwise give the release a larger one, as docs/checks.md tells under "Another claim". Then run the same command again' } as const;
}
