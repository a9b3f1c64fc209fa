/** A cell as `node:sqlite` reads it, bytes as hexadecimal digits. */
export type LoadCell = number | string;

/** A row of the load: the columns that are not NULL. */
export type LoadRow = Readonly<Record<string, LoadCell>>;

/** All rows of the load in one database, by table and then by id. */
export type LoadRows = ReadonlyMap<string, ReadonlyMap<number, LoadRow>>;

/** Which database of a library a load goes to. */
export type LoadedDatabase = 'library' | 'blobs';

/** Every id of the load's own rows is this or more: no library comes so far. */
export const loadBase = 10_000_000;

/** The preference that holds the number of the last transaction. */
export const loadPreference = 'standinLoad';

/** How many items exist at a time, and how many rows of watch state are gone round. */
const [loadWindow, settingCount] = [200, 97];

/**
 * What must be in a database after so many transactions of the load. Each transaction depends on its number alone; the stand-in server
 * (`load.go`) and `loadWriter.ts` write them. `withItems`: false for a writer that, like stock SQLite, cannot write to `metadata_items`.
 */
export function loadAfter(commits: number, database: LoadedDatabase, { withItems }: { readonly withItems: boolean }): LoadRows {
  const rows = database === 'library' ? libraryAfter(commits) : blobsAfter(commits);
  rows.set('preferences', new Map(commits === 0 ? [] : [[loadBase, { id: loadBase, name: loadPreference, value: String(commits) }]]));
  if (!withItems) for (const table of ['metadata_items', titleContent]) rows.delete(table);
  return rows;
}

/** Where the full-text search keeps the titles, from 1.43.4 on; triggers fill it. */
export const titleContent = 'fts4_metadata_titles_icu_content';

/** The item that a transaction changes once more; none where it is not positive. */
export function earlierThan(number: number): number {
  return number - 1 - ((number * 7) % 100);
}

/** The bytes of the blob that a transaction adds. */
export function loadBytes(number: number): Buffer {
  return Buffer.from(Array.from({ length: 200 + ((number * 37) % 5000) }, (_, index) => (number * 31 + index * 7 + (index >> 8)) & 0xff));
}

/** What a file is said to hold in the part that a transaction adds: text of many lengths. */
export function loadText(number: number): string {
  return String(number).padStart(1 + (number % 40) * 50, '0');
}

type Rows = Map<string, Map<number, LoadRow>>;

function libraryAfter(commits: number): Rows {
  const [items, media, parts, views, titles] = [new Map<number, LoadRow>(), new Map<number, LoadRow>(), new Map<number, LoadRow>(), new Map<number, LoadRow>(), new Map<number, LoadRow>()];
  // Whatever came before has been deleted by now.
  for (let number = Math.max(1, commits - loadWindow + 1); number <= commits; number += 1) {
    const id = loadBase + number;
    const title = `Load ${number}`;
    items.set(id, { id, library_section_id: 1, metadata_type: 1, guid: `load://${number}`, title, title_sort: title, original_title: '', index: number, added_at: number, updated_at: number, changed_at: number, resources_changed_at: 0 });
    titles.set(id, { docid: id, c0title: title, c1title_sort: title, c2original_title: '' });
    media.set(id, { id, library_section_id: 1, section_location_id: 1, metadata_item_id: id, size: number * 1000, duration: number, updated_at: number, media_analysis_version: 0 });
    parts.set(id, { id, media_item_id: id, file: `/mnt/nas-plex/Load/${number}.mkv`, size: number * 1000, updated_at: number, extra_data: loadText(number) });
    views.set(id, { id, account_id: 1, guid: `load://${number}`, metadata_type: 1, title, viewed_at: number, view_type: 0 });
    const earlier = earlierThan(number);
    const [item, file] = [items.get(loadBase + earlier), media.get(loadBase + earlier)];
    if (earlier < 1 || item === undefined || file === undefined) continue;
    items.set(loadBase + earlier, { ...item, title: `Load ${earlier} seen ${number}`, updated_at: number, changed_at: Number(item['changed_at']) + 1 });
    titles.set(loadBase + earlier, { docid: loadBase + earlier, c0title: `Load ${earlier} seen ${number}`, c1title_sort: `Load ${earlier}`, c2original_title: '' });
    media.set(loadBase + earlier, { ...file, updated_at: number });
  }
  return new Map([['metadata_items', items], [titleContent, titles], ['media_items', media], ['media_parts', parts], ['metadata_item_views', views], ['metadata_item_settings', settingsAfter(commits)]]);
}

function settingsAfter(commits: number): Map<number, LoadRow> {
  const settings = new Map<number, LoadRow>();
  for (let setting = 0; setting < settingCount; setting += 1) {
    const times = Math.floor((commits - setting) / settingCount) + (setting === 0 ? 0 : 1);
    if (times < 1 || setting > commits) continue;
    const last = setting + settingCount * (setting === 0 ? times : times - 1);
    const id = loadBase + setting;
    settings.set(id, { id, account_id: 1, guid: `load://setting/${setting}`, view_offset: last * 1000, view_count: times, last_viewed_at: last, skip_count: 0, changed_at: times });
  }
  return settings;
}

function blobsAfter(commits: number): Rows {
  const blobs = new Map<number, LoadRow>();
  for (let number = Math.max(1, commits - loadWindow + 1); number <= commits; number += 1) {
    const id = loadBase + number;
    blobs.set(id, { id, blob: loadBytes(number).toString('hex'), linked_type: 'media_part', linked_id: id, created_at: number, blob_type: 5 });
    const earlier = blobs.get(loadBase + earlierThan(number));
    if (earlier !== undefined && earlierThan(number) > 0) blobs.set(loadBase + earlierThan(number), { ...earlier, blob_type: 8, created_at: number });
  }
  return new Map([['blobs', blobs]]);
}
