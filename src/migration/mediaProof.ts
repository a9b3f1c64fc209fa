import { PlexliftError } from '../errors.ts';
import type { Source } from '../sources/source.ts';
import type { MountFinding, Sentinel, Target, TargetFacts } from '../targets/target.ts';
import type { PathPair } from '../runner/events.ts';

/** How much of a media file is read to tell that both sides see the same one: containers differ within their first kilobytes. */
export const sampleBytes = 65_536;

/** Which mapped directories can be looked up on the target. A directory target has no mounts, so what is not there is only noted. */
export async function requireMounts(options: { readonly target: Pick<Target, 'mounts' | 'name'>; readonly pairs: readonly PathPair[]; readonly facts: Pick<TargetFacts, 'mounts'>; readonly note: (text: string) => void }): Promise<readonly string[]> {
  const { target, pairs, facts, note } = options;
  const findings = await target.mounts(pairs.map(({ to }) => to));
  const bad = findings.filter((finding) => finding.status !== 'answers');
  if (facts.mounts === null) {
    for (const finding of bad) note(`"${finding.path}" cannot be looked at on ${target.name} (${finding.detail}): media below it were not looked up`);
    return findings.filter((finding) => finding.status === 'answers').map((finding) => finding.path);
  }
  if (bad.length === 0) return findings.map((finding) => finding.path);
  throw new PlexliftError('refused', `Cannot rely on the media mounts of ${target.name}`, {
    facts: bad.map(({ path, status, detail }) => `"${path}" ${statusText(status)}: ${detail}`),
    remedy: 'Mount the media there (look at the pod\'s volumes and at the NFS server), then run the same command again. Plex must not start without them: it would take every item for deleted',
  });
}

function statusText(status: MountFinding['status']): string {
  switch (status) {
    case 'answers':
      return 'answers';
    case 'absent':
      return 'is not there';
    case 'empty':
      return 'is empty';
    case 'hangs':
      return 'does not answer';
    case 'not a mount':
      return 'is an ordinary directory, not a mount';
    default:
      return status satisfies never;
  }
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
    remedy: 'The share is away, or another one is mounted there. Mount the right one, then run the same command again',
  });
}

/** A media file both sides should see: its path on the source, and as mapped. */
export interface SharedMedia {
  readonly from: string;
  readonly to: string;
}

/** Compares the first bytes of media files as both sides see them. Throws when a file that both have differs: then it is not the same share. */
export async function requireSameShare(sides: { readonly source: Source; readonly target: Pick<Target, 'sampleMedia' | 'name'> }, files: readonly SharedMedia[]): Promise<number> {
  let compared = 0;
  for (const { from, to } of files) {
    const [there, here] = [await sides.source.sampleMedia(from, sampleBytes), await sides.target.sampleMedia(to, sampleBytes)];
    if (there === null || here === null) continue;
    compared += 1;
    if (there.sizeBytes === here.sizeBytes && there.sha256 === here.sha256) continue;
    throw new PlexliftError('refused', `Cannot trust the mapping: "${to}" on ${sides.target.name} is not the file "${from}" on ${sides.source.name}`, {
      facts: [`${there.sizeBytes} bytes on the source, ${here.sizeBytes} on the target`, `digests of the first ${sampleBytes} bytes ${there.sha256 === here.sha256 ? 'are equal' : 'differ'}`],
      remedy: 'Check which share is mounted there, and the paths in the configuration',
    });
  }
  return compared;
}
