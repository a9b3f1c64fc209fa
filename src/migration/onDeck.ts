import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import { preferencesFile } from '../plex/dataDirectory.ts';
import { readPreferences } from '../plex/preferences.ts';
import { plexServer } from '../server/plexServer.ts';
import type { Source } from '../sources/source.ts';

/** What the source's server shows its owner to go on with; null with the reason where it could not be asked. */
export type OnDeck = { readonly items: readonly number[] | null; readonly reason: string };

/** Asks the source, while it still serves, what the target must show as well. `catalogue` is a copy of its catalogue, for the token. */
export async function observeOnDeck(source: Pick<Source, 'connect'>, catalogue: string): Promise<OnDeck> {
  try {
    const connection = await source.connect();
    if (connection === null) return { items: null, reason: 'the source has no server to be asked' };
    try {
      const token = readPreferences(readFileSync(join(catalogue, preferencesFile))).get('PlexOnlineToken');
      return { items: await plexServer({ baseUrl: connection.baseUrl, token }).onDeckIds(), reason: '' };
    } finally {
      await connection.close();
    }
  } catch (error) {
    // Worth comparing, not worth stopping for: the rows it is made from are compared anyway.
    return { items: null, reason: messageOf(error) };
  }
}
