import { endsName } from './needles.ts';
import type { PathMapping } from './pathMapping.ts';

/** What kind of path a text looks like. */
export type PathForm = 'path' | 'file url' | 'Windows path' | 'network path';

/** A path seen inside another value. */
export interface SeenPath {
  readonly form: PathForm;
  /** How it begins, decoded: enough to recognise a place, e.g. `/home/alex`. */
  readonly top: string;
  /** The path alone, decoded and cut short, never what stands beside it. */
  readonly path: string;
}

/** True where a look for paths may find something: few values pass, and it is quick. `value`: one character a byte. */
export function mayHoldPath(value: string): boolean {
  return hints.test(value);
}

/**
 * The paths in `value` (one character a byte) that no rule of `mapping` has: absolute ones of Unix with several segments, `file://`
 * URLs, those of Windows and of network shares; as they are, in JSON, and percent-encoded once or twice. Plex's own keys and other
 * URLs look alike and are none.
 */
export function pathsIn(value: string, mapping: PathMapping): readonly SeenPath[] {
  const seen = new Map<string, SeenPath>();
  for (const text of readings(value)) {
    for (const match of text.matchAll(tokens)) {
      const found = judge(match, text);
      if (found === null || isMapped(mapping, { text, at: found.at })) continue;
      const path = Buffer.from(found.path.slice(0, longestPath), 'latin1').toString('utf8');
      const key = `${found.form} ${path}`;
      if (!seen.has(key)) seen.set(key, { form: found.form, top: topOf(found.form, path), path: found.path.length > longestPath ? `${path}…` : path });
    }
  }
  return Array.from(seen.values());
}

const longestPath = 100;

// Where a path may begin: at the front, or after what parts values. A letter or digit before "/" is prose ("and/or"), a date, a MIME type.
const before = String.raw`(?:^|(?<=[\s"'=(:,;>|[{&]))`;
// A name ends where another value may begin; what follows white space, ":" or "=" may be a password on a command line.
const inName = String.raw`[^/\\\s"'=<>:;,&?#|(){}[\]\u0000-\u001f]`;

const hints = /(?:^|[\s"'=(:,;>|[{&])\/[^\s/"'<>]|%2[Ff5]|%5[Cc]|\\|file:/i;

const tokens = new RegExp(
  [
    String.raw`(?<file>\bfile:\/\/(?:localhost(?=\/))?)(?<filePath>[\w.-]*(?:\/${inName}*)+)`,
    // A key of Plex may carry a directory; only what stands before it is passed over.
    String.raw`\blibrary:\/\/[^\s/"]*\/\w+(?:\/(?=\/))?`,
    String.raw`\b(?!file:)[a-z][a-z0-9+.-]*:\/\/[^\s"'<>|]*`,
    String.raw`(?<windows>${before}[a-z]:[\\/](?![\\/])${inName}+(?:[\\/]${inName}+)*)`,
    String.raw`(?<network>${before}\\\\${inName}+\\${inName}+(?:\\${inName}+)*)`,
    String.raw`(?<unix>(?:${before}|(?<=library:\/\/[^\s/"]*\/\w+\/))\/${inName}+(?:\/${inName}+)+)`,
    // Plex's marks: "/:/prefs", "/photo/:/transcode".
    String.raw`${before}(?:\/\w+)?\/:\/[^\s"'<>|]*`,
  ].join('|'),
  'gi',
);

interface Found {
  readonly form: PathForm;
  readonly path: string;
  readonly at: number;
}

function judge(match: RegExpExecArray, text: string): Found | null {
  const { file, filePath, windows, network, unix } = match.groups ?? {};
  if (filePath !== undefined && !filePath.startsWith('/')) return { form: 'network path', path: `//${filePath}`, at: match.index };
  if (filePath !== undefined) return isPlexKey(filePath) ? null : { form: 'file url', path: filePath, at: match.index + (file ?? '').length };
  if (windows !== undefined) return { form: 'Windows path', path: windows, at: match.index };
  if (network !== undefined) return { form: 'network path', path: network, at: match.index };
  if (unix === undefined || isPlexKey(unix)) return null;
  const previous = match.index === 0 ? '' : text.charAt(match.index - 1);
  // In prose a slash may begin a word ("life /death/"); a place of the file system is told by its first name, or by its depth.
  if (/[\s(:[]/.test(previous) && !customaryTop.test(unix) && !deepPath.test(unix)) return null;
  return { form: 'path', path: unix, at: match.index };
}

const customaryTop =
  /^\/(?:bin|boot|config|data|dev|etc|export|exports|home|lib|Library|media|mnt|net|nfs|opt|private|proc|root|run|share|shares|snap|srv|storage|sys|tank|tmp|Users|usr|var|volume\d*|Volumes)\//;
const deepPath = /^\/[A-Za-z_][^/]*\/[^/]*[A-Za-z][^/]*\/[^/]+/;

// The HTTP paths of the server itself. Where a first name could as well be a directory ("/media/library"), the second decides.
const plexKeys = new RegExp(
  [
    String.raw`library/(?:all|changestamp|clean|collections|common|file|hubs|matches|media|metadata|onDeck|optimize|parts|people|playlists|randomArtwork|recentlyAdded|recentlyViewed|sections|shared|streams|tags|timeline)`,
    String.raw`media/(?:grabbers|providers|subscriptions|\d+)`,
    String.raw`(?:music|photo|photos|video|applications)/(?::|com\.plexapp|tv\.plex|iva)`,
    String.raw`player/(?:application|mirror|navigation|playback|proxy|timeline)`,
    String.raw`status/sessions`,
    String.raw`transcode/(?:sessions|segmented)`,
    String.raw`system/(?:agents|appstore|library|messaging|metadata|notify|players|plexinfo|proxy|scanners|services|settings|store)`,
    String.raw`services/(?:browse|iva|gracenote|tidal|ultrablur|amazon|discover)`,
    String.raw`web/(?:index|static|js|css|img|media|desktop|tv\.)`,
    String.raw`(?::|accounts|activities|butler|channels|clients|devices|downloadQueue|hubs|livetv|myplex|playlists|playQueues|resources|security|statistics|updater|com\.plexapp\.[\w.-]+|tv\.plex\.[\w.:-]+|metadata|collections|actors?|directors?|genres?)/[^/]`,
  ].join('|'),
);
const plexKey = new RegExp(`^/(?:${plexKeys.source})`);
// "/metadata/…" and the like only where an id or key follows: they could be directories of a person.
const wordThenId = /^\/(?:metadata|collections|actors?|directors?|genres?|devices|accounts|resources|channels)\/(?!\d+(?:\/|$)|[0-9a-f]{16,}(?:\/|$))/;

function isPlexKey(path: string): boolean {
  return plexKey.test(path) && !wordThenId.test(path);
}

function isMapped({ rules }: PathMapping, { text, at }: { readonly text: string; readonly at: number }): boolean {
  return rules.some(({ fromBytes }) => {
    const bytes = fromBytes.toString('latin1');
    // With "/" this is never true, which is right: everything is below it, and that tells nothing of a place nobody knows.
    return text.startsWith(bytes, at) && endsName(text, at + bytes.length);
  });
}

/** `value` as it is, without JSON's escapes, and percent-decoded as often as it is encoded. */
function readings(value: string): readonly string[] {
  const texts = [value];
  if (/\\[\\/]/.test(value)) texts.push(value.replaceAll(/\\([\\/"])/g, '$1'));
  if (/%(?:25)?(?:2[Ff]|5[Cc])/.test(value)) {
    const once = percentDecoded(value);
    texts.push(once);
    if (/%(?:2[Ff]|5[Cc])/.test(once)) texts.push(percentDecoded(once));
  }
  return texts;
}

function percentDecoded(text: string): string {
  // "&" parts the values of a form; once they are decoded nobody could tell it from one inside a URL.
  return text.replaceAll('&', '\n').replaceAll(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

// "/home/alex", "C:\Media", "\\nas\films": enough to recognise a place, few enough to list.
function topOf(form: PathForm, path: string): string {
  if (form === 'Windows path') return path.split(/[\\/]/).slice(0, 2).join('\\');
  if (form === 'network path') return /^(?:[\\/]+[^\\/]+){1,2}/.exec(path)?.[0] ?? path;
  return path.split('/').slice(0, 3).join('/');
}
