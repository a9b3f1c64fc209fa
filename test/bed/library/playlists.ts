import { addMetadataBundle } from './bundles.ts';
import { addItem } from './items.ts';
import { daysBefore } from './moments.ts';
import { extraData, percentEncoded } from './plexText.ts';
import type { User } from './users.ts';
import type { Artwork, Item, Workshop } from './workshop.ts';

/** A playlist or a collection, with the items in it in order; a smart one has none, its query finds them. */
export interface Gathering {
  readonly id: number;
  readonly title: string;
  readonly smart: boolean;
  readonly itemIds: readonly number[];
  /** The account that owns a playlist; null for a collection. */
  readonly ownerId: number | null;
}

/** What playlists are made of. */
export interface PlaylistsDraft {
  readonly users: readonly [User, ...User[]];
  readonly films: readonly Item[];
  readonly tracks: readonly Item[];
  /** `ProcessedMachineIdentifier`. */
  readonly serverId: string;
}

/** Adds playlists of several users, plain and smart; one names the server by its identity. */
export function addPlaylists(workshop: Workshop, { users, films, tracks, serverId }: PlaylistsDraft): { readonly playlists: readonly Gathering[]; readonly artwork: readonly Artwork[] } {
  const { sections } = workshop;
  const random = workshop.random('playlist items');
  const some = (items: readonly Item[], count: number): readonly Item[] => Array.from({ length: count }, () => random.pick(items));
  const query = percentEncoded(`/library/sections/${sections.movies.id}/all?type=1&sort=titleSort&year>=1990`);
  const musicQuery = `/library/sections/${sections.music.id}/all?type=10&userRating%3E%3D=8`;
  const artwork: Artwork[] = [];
  const playlists: Gathering[] = [];
  for (const [number, user] of users.entries()) {
    playlists.push(addPlaylist(workshop, { title: `${user.name}: für später`, owner: user, items: some(films, 6 + number), uris: [], artwork }));
  }
  const [owner] = users;
  playlists.push(
    addPlaylist(workshop, { title: '❤ Tracks', owner, items: some(tracks, 20), uris: [], artwork }),
    addPlaylist(workshop, { title: 'Films since 1990', owner, items: [], uris: [`library://${sections.movies.uuid}/directory/${query}`], artwork }),
    addPlaylist(workshop, { title: 'Best of music', owner, items: [], uris: [`server://${serverId}/com.plexapp.plugins.library${musicQuery}`], artwork }),
  );
  return { playlists, artwork };
}

interface PlaylistDraft {
  readonly title: string;
  readonly owner: User;
  readonly items: readonly Item[];
  /** The query of a smart playlist. */
  readonly uris: readonly string[];
  readonly artwork: Artwork[];
}

function addPlaylist(workshop: Workshop, { title, owner, items, uris, artwork }: PlaylistDraft): Gathering {
  const { rows } = workshop;
  const guid = `com.plexapp.agents.none://${workshop.random('playlists').uuid()}`;
  const addedAt = daysBefore(400);
  const bundle = addMetadataBundle(workshop, { folder: 'Playlists', guid, agent: 'com.plexapp.agents.localmedia', title });
  const poster = bundle.upload();
  const id = addItem(workshop, {
    sectionId: null, type: 15, guid, title, addedAt,
    cells: {
      user_thumb_url: poster.url, summary: '', media_item_count: items.length,
      duration: items.reduce((sum, item) => sum + Math.round(item.durationMs / 1000), 0),
      extra_data: extraData({ 'pv:owner': String(owner.id), ...(uris.length > 0 ? { 'pv:smart': '1' } : {}) }),
    },
  });
  artwork.push({ metadataItemId: id, url: poster.url, path: poster.path, custom: true });
  rows.insert('metadata_item_accounts', { account_id: owner.id, metadata_item_id: id });
  const common = { playlist_id: id, continuous: false, created_at: addedAt, updated_at: addedAt, recursive: false, extra_data: '' };
  for (const [index, item] of items.entries()) rows.insert('play_queue_generators', {
    ...common, metadata_item_id: item.id, order: 1000 * (index + 1), changed_at: 100 + index,
  });
  for (const uri of uris) rows.insert('play_queue_generators', { ...common, uri, order: 1000, type: -1, changed_at: 99 });
  return { id, title, smart: uris.length > 0, itemIds: items.map((item) => item.id), ownerId: owner.id };
}

/** Adds collections to the movies, no movie in two of them, some with a poster of their own. */
export function addCollections(workshop: Workshop, films: readonly Item[]): { readonly collections: readonly Gathering[]; readonly artwork: readonly Artwork[] } {
  const section = workshop.sections.movies;
  const random = workshop.random('collections');
  const titles = ['The Clockwork Trilogy', 'Årets bedste', '新年 & Feiertage', 'Films "to show" Sam'];
  const artwork: Artwork[] = [];
  const collections = titles.map((title, number): Gathering => {
    const guid = `collection://${random.uuid()}`;
    const bundle = addMetadataBundle(workshop, { folder: 'Collections', guid, agent: 'com.plexapp.agents.localmedia', title });
    const custom = number % 2 === 0;
    const poster = custom ? bundle.upload() : bundle.image('posters');
    const chosen = films.filter((_film, index) => index % 7 === number).slice(0, 12);
    const id = addItem(workshop, {
      sectionId: section.id, type: 18, guid, title, addedAt: daysBefore(300),
      cells: { user_thumb_url: poster.url, media_item_count: chosen.length, user_fields: 'lockedFields=1|9', index: workshop.tags.id('collection', title) },
    });
    artwork.push({ metadataItemId: id, url: poster.url, path: poster.path, custom });
    for (const [index, film] of chosen.entries()) {
      workshop.tags.put(film, 'collection', { tag: title, index });
      workshop.rows.run('UPDATE metadata_items SET tags_collection = ? WHERE id = ?', title, film.id);
    }
    return { id, title, smart: false, itemIds: chosen.map((film) => film.id), ownerId: null };
  });
  return { collections, artwork };
}
