import { hash } from 'node:crypto';
import { posix } from 'node:path';
import type { ArtworkSample } from '../../catalogue/samples.ts';
import type { Finding } from '../../runner/check.ts';
import type { PlexServer } from '../../server/plexServer.ts';
import { bytePathOfText, textOf, type BytePath, type Entry } from '../../transfer/entry.ts';
import type { Manifest } from '../../transfer/manifest.ts';

/** Where in a bundle Plex keeps what these URLs name. */
const places: Readonly<Record<string, string>> = { 'metadata://': 'Contents/_combined', 'upload://': 'Uploads' };

/** Links that lead on to links; nobody has more than a few. */
const mostLinks = 10;

/**
 * Compares pictures as the server gives them with what was copied. A picture that the server does not have is no difference where the
 * listing shows that the source had lost its file before; people are told of it.
 */
export async function compareArtwork(samples: readonly ArtworkSample[], context: { readonly server: Pick<PlexServer, 'artwork'>; readonly manifest: Pick<Manifest, 'pathsWithDigest' | 'listedBelow'>; readonly remedy: string }): Promise<Finding> {
  const { server, manifest, remedy } = context;
  if (samples.length === 0) return { status: 'skip', reason: 'no item has artwork of its own' };
  const [wrong, lost]: [string[], string[]] = [[], []];
  for (const sample of samples) {
    const bytes = await server.artwork(sample.itemId, sample.kind);
    const bundle = `/${sample.hash.slice(0, 1)}/${sample.hash.slice(1)}.bundle/`;
    const name = `"${sample.title}" (${sample.itemId})`;
    if (bytes === null) {
      if (isLostOnSource(sample.url, manifest.listedBelow(bytePathOfText(bundle)), bundle)) lost.push(name);
      else wrong.push(`${name}: none`);
    } else if (!manifest.pathsWithDigest(hash('sha256', bytes)).some((path) => path.includes(bundle))) wrong.push(name);
  }
  if (wrong.length > 0) return { status: 'fail', detail: `artwork differs for ${wrong.join(', ')}`, remedy };
  const equal = `${samples.length - lost.length} pictures`;
  if (lost.length === 0) return { status: 'pass', detail: equal };
  return { status: 'warn', detail: `${equal}; the source had no file any more for the picture of ${lost.join(', ')}`, remedy: 'That was so before the move; "Refresh Metadata" of these items gets them again' };
}

/** True where the listing shows the place of a picture, and no file there. A place that was not listed either proves nothing. */
function isLostOnSource(url: string, listed: readonly Entry[], bundle: string): boolean {
  const [scheme, place] = Object.entries(places).find(([known]) => url.startsWith(known)) ?? [];
  if (scheme === undefined || place === undefined) return false;
  const entries = new Map(listed.map((entry) => [withinBundle(entry.path, bundle), entry]));
  let at = `${place}/${url.slice(scheme.length)}`;
  if (entries.get(posix.dirname(at))?.type !== 'directory') return false;
  for (let links = 0; links < mostLinks; links += 1) {
    const entry = entries.get(at);
    if (entry === undefined) return true;
    if (entry.linkTarget === undefined) return false;
    at = posix.join(posix.dirname(at), textOf(entry.linkTarget));
    // What lies elsewhere was not looked up.
    if (at.startsWith('..') || textOf(entry.linkTarget).startsWith('/')) return false;
  }
  return false;
}

function withinBundle(path: BytePath, bundle: string): string {
  const text = textOf(path);
  return text.slice(text.indexOf(bundle) + bundle.length);
}
