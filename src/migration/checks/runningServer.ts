import { hash } from 'node:crypto';
import type { Samples } from '../../catalogue/samples.ts';
import { metadataTypes } from '../../plex/kinds.ts';
import type { Check, Finding } from '../../runner/check.ts';
import type { PlexServer } from '../../server/plexServer.ts';
import type { Source } from '../../sources/source.ts';
import type { Target } from '../../targets/target.ts';
import type { Manifest } from '../../transfer/manifest.ts';
import { sampleBytes } from '../mediaProof.ts';
import type { OnDeck } from '../onDeck.ts';
import { twoServers } from '../twoServers.ts';
import { compareArtwork } from './artwork.ts';

/** Longest wait for the first byte of a file, as asked for. */
const firstByteLimitMs = 5_000;

/** What the running server is compared with. */
export interface VerifyContext {
  readonly server: PlexServer;
  readonly oldServer: Pick<Source, 'kind' | 'name' | 'isRunning' | 'isKeptStopped'>;
  readonly target: Target;
  readonly manifest: Manifest;
  readonly samples: Samples;
  readonly onDeck: OnDeck;
  readonly expected: { readonly machineIdentifier: string | null; readonly version: string | null; readonly claimed: boolean };
}

/** What can be done about a difference. */
export const goBack = 'Look at the server and its log; "plexlift verify" compares again, "plexlift rollback" goes back';

/** Claims about the running server. Each is a difference when it fails. */
export const verifyChecks: readonly Check<VerifyContext>[] = [
  {
    name: 'same-identity',
    claim: 'The server answers with the identity of the source',
    async run({ server, expected }) {
      const identity = await server.identity();
      if (identity.machineIdentifier !== expected.machineIdentifier) return fail(`it says ${identity.machineIdentifier}, the source was ${expected.machineIdentifier ?? 'unknown'}`);
      if (expected.claimed && !identity.claimed) return fail('it is not claimed, the source was');
      return pass(identity.machineIdentifier);
    },
  },
  {
    name: 'old-server-down',
    claim: 'The old server is down and kept from starting: its identity answers in one place only',
    async run({ oldServer, target, expected }) {
      const sides = { source: oldServer.name, target: target.name };
      if (oldServer.kind === 'absent') return { status: 'warn', detail: `${oldServer.name} cannot be reached, so it is not known whether Plex runs there`, remedy: 'Make sure that this machine stays off, or Plex on it: two servers with one identity damage each other\'s watch state; once it can be reached, "plexlift status" tells' };
      if (await oldServer.isRunning()) return { status: 'fail', ...twoServers({ ...sides, identity: expected.machineIdentifier }) };
      if (await oldServer.isKeptStopped()) return pass(`no process of Plex runs on ${oldServer.name}, and none would be started`);
      return { status: 'warn', detail: `Plex on ${oldServer.name} is down, but nothing keeps it from starting, e.g. at a reboot`, remedy: '"plexlift migrate" keeps it stopped, with your consent' };
    },
  },
  {
    name: 'running-version',
    claim: 'The server runs the version that was agreed on',
    async run({ server, expected }) {
      const { version } = await server.identity();
      return expected.version === null || version === expected.version ? pass(version) : fail(`it runs ${version}, agreed was ${expected.version}`);
    },
  },
  {
    name: 'libraries',
    claim: 'Every library is there under its name, at its mapped places',
    async run({ server, samples }) {
      const actual = new Map((await server.sections()).map((section) => [section.key, section]));
      const wrong = samples.expected.sections.filter((section) => {
        const now = actual.get(section.key);
        return now === undefined || now.title !== section.title || now.locations.toSorted().join('\n') !== section.locations.toSorted().join('\n');
      });
      if (wrong.length > 0 || actual.size !== samples.expected.sections.length) return fail(`expected ${samples.expected.sections.map(describeSection).join('; ')}; found ${[...actual.values()].map(describeSection).join('; ')}`);
      return pass(`${actual.size} libraries`);
    },
  },
  {
    name: 'item-counts',
    claim: 'Every library holds as many items of every kind as before',
    async run({ server, samples }) {
      const counts: Count[] = [];
      for (const section of samples.expected.sections) {
        for (const { metadataType, count } of section.items) counts.push({ what: `"${section.title}", ${metadataTypes[metadataType] ?? `type ${metadataType}`}`, now: await server.count(section.key, metadataType), before: count });
      }
      return compareCounts(counts);
    },
  },
  {
    name: 'users-and-history',
    claim: 'Users, history and playlists are as many as before',
    async run({ server, samples }) {
      const { accounts, history, playlists } = samples.expected;
      const playlistsNow = new Set(await server.playlistIds());
      const missing = playlists.filter((id) => !playlistsNow.has(id));
      if (missing.length > 0) return fail(`playlists that are missing: ${missing.join(', ')}`);
      return compareCounts([
        { what: 'users', now: await server.accounts(), before: accounts },
        { what: 'history entries', now: await server.historyCount(), before: history },
      ]);
    },
  },
  {
    name: 'on-deck',
    claim: 'On Deck shows the owner what the source showed before it was stopped',
    async run({ server, onDeck }) {
      if (onDeck.items === null) return { status: 'skip', reason: `the source could not be asked: ${onDeck.reason}` };
      const now = new Set(await server.onDeckIds());
      const missing = onDeck.items.filter((id) => !now.has(id));
      return missing.length === 0 ? pass(`${onDeck.items.length} items`) : fail(`items that are missing: ${missing.join(', ')}`);
    },
  },
  {
    name: 'files-play',
    claim: 'Files picked at random are really read through the server, byte for byte, the first byte within 5 s',
    run: ({ server, target, samples }) => readSamples(samples.playable, { server, target, none: 'no media file is there to be read' }),
  },
  {
    name: 'optimized-plays',
    claim: 'An optimized version is served',
    run: ({ server, target, samples }) => readSamples(samples.optimized, { server, target, none: 'the library has no optimized version whose file is there' }),
  },
  {
    name: 'artwork',
    claim: 'Artwork picked at random comes from the server as it was copied',
    run: ({ server, manifest, samples }) => compareArtwork(samples.artwork, { server, manifest, remedy: goBack }),
  },
];

interface Count {
  readonly what: string;
  readonly now: number;
  readonly before: number;
}

/** Less than was moved is a difference. More is what using the server does, and is told. */
function compareCounts(counts: readonly Count[]): Finding {
  const text = ({ what, now, before }: Count): string => `${what}: ${now} instead of ${before}`;
  const less = counts.filter(({ now, before }) => now < before);
  if (less.length > 0) return fail(less.map(text).join('; '));
  const more = counts.filter(({ now, before }) => now > before);
  if (more.length > 0) return { status: 'warn', detail: more.map(text).join('; '), remedy: 'That is what using the server does; right after the first start it would be strange' };
  return pass(counts.map(({ what, now }) => `${now} ${what}`).join(', '));
}

async function readSamples(samples: Samples['playable'], context: { readonly server: PlexServer; readonly target: Target; readonly none: string }): Promise<Finding> {
  if (samples.length === 0) return { status: 'skip', reason: context.none };
  const wrong: string[] = [];
  let slowestMs = 0;
  for (const sample of samples) {
    const part = (await context.server.parts([sample.itemId])).find((candidate) => candidate.file === sample.file);
    if (part === undefined || !part.exists || !part.accessible) {
      wrong.push(`"${sample.file}" ${part === undefined ? 'is unknown to the server' : 'cannot be opened by the server'}`);
      continue;
    }
    const { bytes, firstByteMs } = await context.server.readPart(part, { firstBytes: sampleBytes });
    slowestMs = Math.max(slowestMs, firstByteMs);
    const file = await context.target.sampleMedia(sample.file, sampleBytes);
    if (file === null || file.sha256 !== hash('sha256', bytes)) wrong.push(`"${sample.file}" is served with other bytes than the file has`);
    if (firstByteMs > firstByteLimitMs) wrong.push(`"${sample.file}" began after ${Math.round(firstByteMs)} ms`);
  }
  return wrong.length === 0 ? pass(`${samples.length} read, the slowest began after ${Math.round(slowestMs)} ms`) : fail(wrong.join('; '));
}

function pass(detail: string): Finding {
  return { status: 'pass', detail };
}

function fail(detail: string): Finding {
  return { status: 'fail', detail, remedy: goBack };
}

function describeSection(section: { readonly key: string; readonly title: string; readonly locations: readonly string[] }): string {
  return `${section.key} "${section.title}" at ${section.locations.join(', ')}`;
}
