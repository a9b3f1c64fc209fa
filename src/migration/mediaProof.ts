import { messageOf, PlexliftError } from '../errors.ts';
import type { Check } from '../runner/check.ts';
import type { PathPair } from '../runner/events.ts';
import type { Source } from '../sources/source.ts';
import type { MountFinding, Sentinel, Target, TargetFacts } from '../targets/target.ts';

/** How much of a media file is read to tell that both sides see the same one: containers differ within their first kilobytes. */
export const sampleBytes = 65_536;

/** A pod sees what its node mounts later only where the node passes it on, so its successor has to look. */
const mountAgain = "Mount the share again (look at the pod's volumes, at the node and at the file server). If the waiting pod does not see it then, delete the pod with kubectl: the gate waits in the next one too. Then run the same command again";

/** Which shares can be looked at below the mapped directories: those themselves, and what is mounted below them. A directory target has no mounts, so what is not there is only noted. */
export async function requireMounts(options: { readonly target: Pick<Target, 'mounts' | 'name'>; readonly pairs: readonly PathPair[]; readonly facts: Pick<TargetFacts, 'mounts' | 'owner'>; readonly note: (text: string) => void }): Promise<readonly string[]> {
  const { target, pairs, facts, note } = options;
  const findings = await target.mounts(pairs.map(({ to }) => to));
  const answering = findings.filter((finding) => finding.status === 'answers');
  const bad = findings.filter((finding) => finding.status !== 'answers');
  if (facts.mounts === null) for (const finding of bad) note(`"${finding.path}" cannot be looked at on ${target.name} (${finding.detail}): media below it were not looked up`);
  if (facts.mounts === null || bad.length === 0) return [...new Set(answering.flatMap(({ path, mountPointsBelow }) => [path, ...mountPointsBelow]))];
  throw new PlexliftError('refused', `Cannot rely on the media mounts of ${target.name}`, {
    facts: bad.map(({ path, status, detail }) => `"${path}" ${statusText(status, facts)}: ${detail}`),
    remedy: `${bad.some(({ status }) => status === 'unreadable') ? `${letRead(facts)}. ` : ''}${mountAgain}. Plex must not start without them: it would take every item for deleted`,
  });
}

function statusText(status: MountFinding['status'], { owner }: Pick<TargetFacts, 'owner'>): string {
  switch (status) {
    case 'answers':
      return 'answers';
    case 'absent':
      return 'is not there';
    case 'empty':
      return 'is empty';
    case 'unreadable':
      return `cannot be read by uid ${owner.uid}, gid ${owner.gid}, whom Plex runs as`;
    case 'hangs':
      return 'does not answer';
    case 'not a mount':
      return 'is an ordinary directory, not a mount';
    default:
      return status satisfies never;
  }
}

function letRead({ owner }: Pick<TargetFacts, 'owner'>): string {
  return `Let uid ${owner.uid}, gid ${owner.gid} read the share (the modes of its directories and files, and root_squash or all_squash of its export, decide)`;
}

/** Proves that the sentinels are there with their sizes, as Plex will see them: at least one for each mount. */
export async function requireSentinels(target: Pick<Target, 'lookUp' | 'name'>, sentinels: readonly Sentinel[]): Promise<void> {
  const present = new Set<string>();
  const byPath = new Map(sentinels.map((sentinel) => [sentinel.path, sentinel]));
  for await (const finding of target.lookUp([...byPath.keys()])) {
    const sentinel = byPath.get(finding.path);
    if (sentinel !== undefined && finding.status === 'present' && finding.sizeBytes === sentinel.sizeBytes) present.add(sentinel.mount);
  }
  const away = [...new Set(sentinels.map((sentinel) => sentinel.mount))].filter((mount) => !present.has(mount));
  if (away.length === 0) return;
  throw new PlexliftError('refused', `Cannot find the media below ${away.map((mount) => `"${mount}"`).join(', ')} on ${target.name}`, {
    facts: sentinels.filter((sentinel) => away.includes(sentinel.mount)).map((sentinel) => `expected "${sentinel.path}" with ${sentinel.sizeBytes} bytes`),
    remedy: `The share is away, or another one is mounted there. ${mountAgain}`,
  });
}

/** What the library names below a mount, and what of it Plex's user sees there. */
export interface ShownMedia {
  readonly mount: string;
  readonly named: number;
  readonly missing: number;
  readonly unreadable: number;
}

/** Missing files do not block, but a mount that shows none of its files is most likely another share than the source has. */
export const mountsShowMedia: Check<{ readonly shown: readonly ShownMedia[]; readonly facts: Pick<TargetFacts, 'mounts' | 'owner'> }> = {
  name: 'mounts-show-media',
  claim: 'Every mount shows media files that the library names',
  async run({ shown, facts }) {
    const named = shown.filter((each) => each.named > 0);
    const barren = facts.mounts === null ? [] : named.filter((each) => each.missing + each.unreadable === each.named);
    if (barren.length === 0) return { status: 'pass', detail: named.map(({ mount }) => mount).join(', ') };
    return {
      status: 'fail',
      detail: barren.map(({ mount, named: all, missing, unreadable }) => `of ${all} files that the library names below "${mount}", ${missing} are missing, and ${unreadable} cannot be read by uid ${facts.owner.uid}, gid ${facts.owner.gid}, whom Plex runs as`).join('; '),
      remedy: [barren.some(({ unreadable }) => unreadable > 0) ? letRead(facts) : null, barren.some(({ missing }) => missing > 0) ? 'Check which share is mounted there, and the paths in the configuration' : null].filter((text) => text !== null).join('. '),
    };
  },
};

/** A media file both sides should see: the mount it lies below on the target, its path on the source, and as mapped. */
export interface SharedMedia {
  readonly mount: string;
  readonly from: string;
  readonly to: string;
}

/** How many files of a mount were seen to be the same on both sides, and why others could not be compared. */
export interface ComparedMount {
  readonly mount: string;
  readonly compared: number;
  readonly obstacles: readonly string[];
}

/** Compares the first bytes of media files as both sides see them. Throws when a file that both have differs: then it is not the same share. */
export async function compareShares(sides: { readonly source: Pick<Source, 'sampleMedia' | 'name'>; readonly target: Pick<Target, 'sampleMedia' | 'name'> }, files: readonly SharedMedia[]): Promise<readonly ComparedMount[]> {
  const compared: ComparedMount[] = [];
  for (const [mount, all] of Map.groupBy(files, (file) => file.mount)) {
    const obstacles: string[] = [];
    for (const file of all) {
      const obstacle = await obstacleTo(file, sides);
      if (obstacle !== null) obstacles.push(obstacle);
    }
    compared.push({ mount, compared: all.length - obstacles.length, obstacles });
  }
  return compared;
}

/** Null when both sides have the file, and it is the same; otherwise why that cannot be told. */
async function obstacleTo({ from, to }: SharedMedia, { source, target }: Parameters<typeof compareShares>[0]): Promise<string | null> {
  const there = await source.sampleMedia(from, sampleBytes).catch((error: unknown) => messageOf(error));
  if (there === null) return `${source.name} has no "${from}"`;
  if (typeof there === 'string') return there;
  const here = await target.sampleMedia(to, sampleBytes);
  if (here === null) return `"${to}" is gone from ${target.name} since it was looked up`;
  if (there.sizeBytes === here.sizeBytes && there.sha256 === here.sha256) return null;
  throw new PlexliftError('refused', `Cannot trust the mapping: "${to}" on ${target.name} is not the file "${from}" on ${source.name}`, {
    facts: [`${there.sizeBytes} bytes on the source, ${here.sizeBytes} on the target`, `digests of the first ${sampleBytes} bytes ${there.sha256 === here.sha256 ? 'are equal' : 'differ'}`],
    remedy: 'Check which share is mounted there, and the paths in the configuration; then run the same command again',
  });
}

/** That a mount shows files of the right names proves nothing: another share, or an old copy, may show them too. */
export const sameShares: Check<{ readonly compared: readonly ComparedMount[]; readonly pairs: readonly PathPair[]; readonly facts: Pick<TargetFacts, 'mounts'> }> = {
  name: 'same-shares',
  claim: 'Every mount shows the files that the source sees, with the same content',
  async run({ compared, pairs, facts }) {
    const unproven = compared.filter((each) => each.compared === 0);
    const remedy = 'Have the share mounted on the source too, where Plex\'s user there can read it, or see for yourself that it is the right one';
    if (unproven.length > 0) {
      const detail = unproven.map(({ mount, obstacles }) => `no file below "${mount}" could be compared with the source's: ${obstacles.join('; ')}`).join('; ');
      return { status: facts.mounts === null ? 'warn' : 'fail', detail, remedy };
    }
    const unnamed = pairs.filter(({ to }) => !compared.some(({ mount }) => mount === to || mount.startsWith(`${to}/`)));
    if (unnamed.length > 0) return { status: 'warn', detail: `no media file is there to compare below ${unnamed.map(({ to }) => `"${to}"`).join(', ')}`, remedy };
    return { status: 'pass', detail: compared.map(({ mount, compared: files }) => `${files} files of "${mount}"`).join(', ') };
  },
};
