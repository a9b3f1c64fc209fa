import { mkdirSync, readdirSync, utimesSync } from 'node:fs';
import { basename, join } from 'node:path';
import { schemaMigrations } from './schemaMigrations.ts';
import { fillDataDirectory } from './dataDirectory.ts';
import { createFileTree } from './fileTree.ts';
import { fillLibrary, type LibraryContents } from './libraryContents.ts';
import { createMediaFiles, type MediaFiles } from './mediaFiles.ts';
import { daysBefore, stoppedAt } from './moments.ts';
import { settle, type LibraryOptions, type LibrarySettings } from './options.ts';
import { makeBackups, makeBlobsDatabase, makeDlnaDatabase, makeGuideDatabase } from './otherDatabases.ts';
import { createPlexDatabase } from './plexDatabase.ts';
import { makeIdentity, preferenceValues } from './preferences.ts';
import { createRandom } from './random.ts';
import { thirdPartyAgent } from './sections.ts';
import type { LibraryFacts } from './facts.ts';

export type { LibraryFacts } from './facts.ts';
export type { LibraryOptions } from './options.ts';

const databasesDirectory = 'Plug-in Support/Databases';

/**
 * Makes a Plex data directory with the media it knows, the same bytes for the same options.
 * Throws when a number makes no sense or one of the three directories already holds something.
 */
export async function makeLibrary(options: LibraryOptions): Promise<LibraryFacts> {
  const settings = settle(options);
  for (const directory of [settings.dataDirectory, settings.mediaDirectory, settings.optimizedDirectory]) claimDirectory(directory);
  const random = (label: string) => createRandom(settings.seed, label);
  const identity = makeIdentity(random('identity'));
  const data = createFileTree(settings.dataDirectory);
  const media = createMediaFiles(settings);
  const databases = join(settings.dataDirectory, databasesDirectory);
  mkdirSync(databases, { recursive: true });

  const library = join(databases, 'com.plexapp.plugins.library.db');
  let contents: LibraryContents | undefined;
  createPlexDatabase(library, {
    version: settings.version,
    schema: settings.beyond?.schema,
    fill(rows, database) {
      contents = fillLibrary({ settings, rows, media, data, identity });
      settings.beyond?.fill(database);
    },
  });
  if (contents === undefined) throw new Error(`Cannot make "${library}": nothing was put into it`);

  const blobs = join(databases, 'com.plexapp.plugins.library.blobs.db');
  const guide = join(databases, `tv.plex.providers.epg.cloud-${random('guide name').uuid()}.db`);
  const dlna = join(databases, 'com.plexapp.dlna.db');
  makeBlobsDatabase(blobs, { items: contents.items, settings, random: random('blobs') });
  makeGuideDatabase(guide, { broadcasts: 24, settings, random: random('guide') });
  makeDlnaDatabase(dlna, { items: contents.items, random: random('dlna') });
  const backups = makeBackups([library, blobs], [11, 8, 5, 2]);
  for (const path of [library, blobs, guide, dlna]) utimesSync(path, stoppedAt, stoppedAt);

  const preferences = preferenceValues(settings, { identity, preroll: addPreroll(media, settings) });
  fillDataDirectory(data, { settings, random: random('data directory'), preferences });
  const missingMedia = loseMedia(media, { settings, contents });
  const { dataDirectory, mediaDirectory, optimizedDirectory, mediaPath, optimizedPath, version, friendlyName } = settings;
  return {
    dataDirectory, mediaDirectory, optimizedDirectory, mediaPath, optimizedPath, version, friendlyName, thirdPartyAgent,
    ...identity,
    ...contents.facts,
    newestMigration: schemaMigrations(version).at(-1) ?? '',
    preferences: Object.fromEntries(preferences),
    missingMedia,
    databases: [library, blobs, guide, dlna, ...backups].map((path) => `${databasesDirectory}/${basename(path)}`),
  };
}

function claimDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true });
  const [entry] = readdirSync(directory);
  if (entry !== undefined) throw new Error(`Cannot make a library in "${directory}": it already holds "${entry}"; name an empty or a new directory`);
}

function addPreroll(media: MediaFiles, { mediaPath }: LibrarySettings): readonly string[] {
  const paths = [`${mediaPath}/Prerolls/Lights down & quiet.mp4`, `${mediaPath}/Prerolls/Popcorn.mp4`];
  for (const path of paths) media.write(path, daysBefore(1000));
  return paths;
}

// Evenly spread over the items, so that every library loses some; files that two rows share stay.
function loseMedia(media: MediaFiles, { settings, contents }: { settings: LibrarySettings; contents: LibraryContents }): readonly string[] {
  const shared = new Set(contents.facts.sharedFiles);
  const files = contents.items.flatMap((item) => item.parts.map((part) => part.file)).filter((file) => !shared.has(file));
  const lost = Array.from({ length: settings.missingMedia }, (_, number) => files[Math.floor(((number + 0.5) * files.length) / settings.missingMedia)] ?? '');
  for (const file of lost) media.lose(file);
  return lost;
}
