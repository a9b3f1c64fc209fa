import { z } from 'zod';
import { messageOf, PlexliftError } from '../errors.ts';

/** Who a server says it is; asked without a token. */
export interface Identity {
  readonly machineIdentifier: string;
  readonly version: string;
  readonly claimed: boolean;
}

/** One library as the server lists it. */
export interface Section {
  readonly key: string;
  readonly title: string;
  readonly type: string;
  readonly locations: readonly string[];
}

/** One part of an item, with whether the server can see and open its file (asked with `checkFiles=1`). */
export interface Part {
  readonly id: number;
  readonly key: string;
  readonly file: string;
  readonly sizeBytes: number;
  readonly exists: boolean;
  readonly accessible: boolean;
  readonly optimized: boolean;
}

/** The parts of the HTTP API that plexlift uses. It only reads: settings are changed in the file, while the server is stopped. */
export interface PlexServer {
  identity(): Promise<Identity>;
  sections(): Promise<readonly Section[]>;
  /** How many items of a metadata type a library holds. */
  count(sectionKey: string, metadataType: number): Promise<number>;
  parts(itemIds: readonly number[]): Promise<readonly Part[]>;
  /** The first bytes of a part, and how long the first of them took to come. */
  readPart(part: Part, options: { readonly firstBytes: number }): Promise<{ readonly bytes: Buffer; readonly firstByteMs: number }>;
  /** Artwork of an item as the server gives it: `thumb` or `art`. Null when it has none to give. */
  artwork(itemId: number, kind: 'thumb' | 'art'): Promise<Buffer | null>;
  /** Users, without the blank one with id 0. */
  accounts(): Promise<number>;
  historyCount(): Promise<number>;
  playlistIds(): Promise<readonly number[]>;
  onDeckIds(): Promise<readonly number[]>;
}

/** Plex writes yes and no as true and false, 1 and 0, or "1" and "0", depending on version and place. */
const flag = z.union([z.boolean(), z.literal([0, 1, '0', '1'])]).transform((value) => value === true || value === 1 || value === '1');

const identityShape = z.object({ MediaContainer: z.object({ machineIdentifier: z.string(), version: z.string(), claimed: flag.default(false) }) });
const sectionsShape = z.object({
  MediaContainer: z.object({
    Directory: z.array(z.object({ key: z.coerce.string(), title: z.string(), type: z.string(), Location: z.array(z.object({ path: z.string() })).default([]) })).default([]),
  }),
});
const countShape = z.object({ MediaContainer: z.object({ totalSize: z.number().optional(), size: z.number().optional() }) });
const partShape = z.object({ id: z.number(), key: z.string(), file: z.string().default(''), size: z.number().default(0), exists: flag.default(false), accessible: flag.default(false) });
const metadataShape = z.object({
  ratingKey: z.coerce.number(),
  Media: z.array(z.object({ proxyType: z.coerce.number().optional(), Part: z.array(partShape).default([]) })).default([]),
});
const itemsShape = z.object({ MediaContainer: z.object({ Metadata: z.array(metadataShape).default([]) }) });
const keysShape = z.object({ MediaContainer: z.object({ Metadata: z.array(z.object({ ratingKey: z.coerce.number() })).default([]) }) });
const accountsShape = z.object({ MediaContainer: z.object({ Account: z.array(z.object({ id: z.coerce.number() })).default([]) }) });

/** The optimizer's mark on a media version (`proxyType`). */
const optimizedProxyType = 42;
/** A server that has not begun to answer after this long counts as not answering. */
const requestTimeoutMs = 30_000;

/** A client of the server at `baseUrl`. The token travels in a header, never in an address. */
export function plexServer(options: { readonly baseUrl: string; readonly token: string | null }): PlexServer {
  async function request(path: string, init: { readonly method?: string; readonly headers?: Record<string, string> } = {}): Promise<Response> {
    const headers: Record<string, string> = { Accept: 'application/json', ...init.headers };
    if (options.token !== null) headers['X-Plex-Token'] = options.token;
    try {
      return await fetch(new URL(path, options.baseUrl), { method: init.method ?? 'GET', headers, signal: AbortSignal.timeout(requestTimeoutMs) });
    } catch (error) {
      throw new PlexliftError('failed', `Cannot ask the Plex server for "${pathOnly(path)}": ${reasonOf(error)}`, { remedy: 'Look at the server\'s log, then run the same command again', cause: error });
    }
  }

  async function ask<Shape>(path: string, shape: z.ZodType<Shape>): Promise<Shape> {
    const response = await request(path);
    if (!response.ok) throw answerError(path, response.status);
    const parsed = shape.safeParse(await jsonOf(response));
    if (!parsed.success) throw new PlexliftError('failed', `Cannot understand the Plex server's answer to "${pathOnly(path)}"`, { remedy: 'Please report this with the server\'s version', facts: [z.prettifyError(parsed.error)] });
    return parsed.data;
  }

  async function keys(path: string): Promise<readonly number[]> {
    return (await ask(path, keysShape)).MediaContainer.Metadata.map((item) => item.ratingKey);
  }

  return {
    async identity() {
      const { machineIdentifier, version, claimed } = (await ask('/identity', identityShape)).MediaContainer;
      return { machineIdentifier, version, claimed };
    },
    async sections() {
      const { Directory } = (await ask('/library/sections', sectionsShape)).MediaContainer;
      return Directory.map((section) => ({ key: section.key, title: section.title, type: section.type, locations: section.Location.map((location) => location.path) }));
    },
    async count(sectionKey, metadataType) {
      const path = `/library/sections/${sectionKey}/all?type=${metadataType}&X-Plex-Container-Start=0&X-Plex-Container-Size=0`;
      const { totalSize, size } = (await ask(path, countShape)).MediaContainer;
      const count = totalSize ?? size;
      if (count === undefined) throw new PlexliftError('failed', `Cannot read the number of items of library ${sectionKey} from the server's answer`, { remedy: 'Please report this with the server\'s version' });
      return count;
    },
    async parts(itemIds) {
      const items = (await ask(`/library/metadata/${itemIds.join(',')}?checkFiles=1`, itemsShape)).MediaContainer.Metadata;
      return items.flatMap((item) =>
        item.Media.flatMap((media) =>
          media.Part.map((part) => ({ id: part.id, key: part.key, file: part.file, sizeBytes: part.size, exists: part.exists, accessible: part.accessible, optimized: media.proxyType === optimizedProxyType })),
        ),
      );
    },
    async readPart(part, { firstBytes }) {
      const startedAtMs = performance.now();
      const response = await request(part.key, { headers: { Range: `bytes=0-${firstBytes - 1}` } });
      if (response.status !== 206 && response.status !== 200) throw answerError(part.key, response.status);
      const chunks: Uint8Array[] = [];
      let firstByteMs = 0;
      let sizeBytes = 0;
      for await (const chunk of response.body ?? []) {
        if (chunks.length === 0) firstByteMs = performance.now() - startedAtMs;
        chunks.push(chunk as Uint8Array);
        sizeBytes += (chunk as Uint8Array).byteLength;
        if (sizeBytes >= firstBytes) break;
      }
      return { bytes: Buffer.concat(chunks).subarray(0, firstBytes), firstByteMs };
    },
    async artwork(itemId, kind) {
      const response = await request(`/library/metadata/${itemId}/${kind}/0`, { headers: { Accept: '*/*' } });
      if (response.status === 404) return null;
      if (!response.ok) throw answerError(`/library/metadata/${itemId}/${kind}`, response.status);
      return Buffer.from(await response.arrayBuffer());
    },
    accounts: async () => (await ask('/accounts', accountsShape)).MediaContainer.Account.filter((account) => account.id > 0).length,
    async historyCount() {
      const { totalSize, size } = (await ask('/status/sessions/history/all?sort=viewedAt:desc&X-Plex-Container-Start=0&X-Plex-Container-Size=0', countShape)).MediaContainer;
      return totalSize ?? size ?? 0;
    },
    playlistIds: () => keys('/playlists'),
    onDeckIds: () => keys('/library/onDeck'),
  };
}

function answerError(path: string, status: number): PlexliftError {
  const remedy = status === 401 ? 'The token in Preferences.xml is not accepted by this server: check that it is the migrated one' : 'Look at the server\'s log, then run the same command again';
  return new PlexliftError('failed', `Cannot ask the Plex server for "${pathOnly(path)}": it answered with status ${status}`, { remedy });
}

/** The body as JSON, or undefined where it is something else (an error page of a proxy, say): the shape then says what is wrong. */
async function jsonOf(response: Response): Promise<unknown> {
  const body = await response.text();
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function pathOnly(path: string): string {
  return path.split('?')[0] ?? path;
}

function reasonOf(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error ? error.cause.message : messageOf(error);
}
