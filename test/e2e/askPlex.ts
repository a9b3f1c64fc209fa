import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';

/** A Plex server as a player or a person's browser would use it. */
export interface PlexAsked {
  identity(): Promise<string>;
  /** How many items of a type a library has. */
  count(library: number, metadataType: number): Promise<number>;
  /** The parts of an item, with the paths the server has for them. */
  parts(itemId: number): Promise<readonly { readonly key: string; readonly file: string; readonly proxyType: number | null }[]>;
  /** All bytes behind a path of the API, and milliseconds until the first of them was there. */
  read(path: string): Promise<{ readonly bytes: Buffer; readonly firstByteMs: number }>;
  setting(name: string): Promise<string>;
  /** Items on the way, with their offsets in milliseconds. */
  onDeck(): Promise<ReadonlyMap<number, number>>;
  playlistTitles(): Promise<readonly string[]>;
  accountNames(): Promise<readonly string[]>;
  /** Scans every library and waits until each is done. */
  scanEverything(): Promise<void>;
}

const scanTimeoutMs = 60_000;

const metadata = z.object({ ratingKey: z.coerce.number(), title: z.string().default(''), viewOffset: z.number().default(0), Media: z.array(z.object({ proxyType: z.coerce.number().nullable().default(null), Part: z.array(z.object({ key: z.string(), file: z.string().default('') })) })).default([]) });
const container = z.object({
  MediaContainer: z.object({
    machineIdentifier: z.string().optional(),
    totalSize: z.number().optional(),
    Metadata: z.array(metadata).default([]),
    Directory: z.array(z.object({ key: z.coerce.string(), refreshing: z.boolean(), scannedAt: z.number() })).default([]),
    Setting: z.array(z.object({ id: z.string(), value: z.union([z.string(), z.number(), z.boolean()]) })).default([]),
    Account: z.array(z.object({ name: z.string() })).default([]),
  }),
});

/** Asks the server at an address such as `http://10.1.2.3:32400` with its owner's token. */
export function askPlex(baseUrl: string, token: string): PlexAsked {
  const get = async (path: string, accept = 'application/json'): Promise<Response> => {
    const response = await fetch(`${baseUrl}${path}`, { headers: { Accept: accept, 'X-Plex-Token': token }, signal: AbortSignal.timeout(30_000) });
    if (!response.ok) throw new Error(`Cannot get "${path}": the server answered ${response.status}`);
    return response;
  };
  const ask = async (path: string) => container.parse(await (await get(path)).json()).MediaContainer;

  return {
    identity: async () => (await ask('/identity')).machineIdentifier ?? '',
    count: async (library, metadataType) => (await ask(`/library/sections/${library}/all?type=${metadataType}&X-Plex-Container-Start=0&X-Plex-Container-Size=0`)).totalSize ?? -1,
    async parts(itemId) {
      const { Metadata } = await ask(`/library/metadata/${itemId}`);
      return Metadata.flatMap(({ Media }) => Media.flatMap(({ proxyType, Part }) => Part.map(({ key, file }) => ({ key, file, proxyType }))));
    },
    async read(path) {
      const startedAtMs = performance.now();
      const chunks: Uint8Array[] = [];
      let firstByteMs = Number.POSITIVE_INFINITY;
      for await (const chunk of (await get(path, '*/*')).body ?? []) {
        if (chunks.length === 0) firstByteMs = performance.now() - startedAtMs;
        chunks.push(chunk as Uint8Array);
      }
      return { bytes: Buffer.concat(chunks), firstByteMs };
    },
    async setting(name) {
      const { Setting } = await ask('/:/prefs');
      const found = Setting.find(({ id }) => id === name);
      if (found === undefined) throw new Error(`Cannot find the setting "${name}": the server does not list it`);
      return String(found.value);
    },
    onDeck: async () => new Map((await ask('/library/onDeck')).Metadata.map(({ ratingKey, viewOffset }) => [ratingKey, viewOffset])),
    playlistTitles: async () => (await ask('/playlists')).Metadata.map(({ title }) => title),
    accountNames: async () => (await ask('/accounts')).Account.map(({ name }) => name),
    async scanEverything() {
      const before = new Map((await ask('/library/sections')).Directory.map(({ key, scannedAt }) => [key, scannedAt]));
      // Scans are told in whole seconds: one that follows another within the same second could not be told from it.
      await delay(1100);
      for (const key of before.keys()) await get(`/library/sections/${key}/refresh`, '*/*');
      const deadlineMs = performance.now() + scanTimeoutMs;
      for (;;) {
        const waiting = (await ask('/library/sections')).Directory.filter(({ key, refreshing, scannedAt }) => refreshing || scannedAt === before.get(key));
        if (waiting.length === 0) return;
        if (performance.now() > deadlineMs) throw new Error(`Cannot see the scan end: libraries ${waiting.map(({ key }) => key).join(', ')} were not scanned in ${scanTimeoutMs / 1000} s`);
        await delay(250);
      }
    },
  };
}
