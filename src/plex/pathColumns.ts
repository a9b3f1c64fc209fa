/** Whether `file://` identifiers are left as they are (and told), or mapped like the paths they hold. */
export type FileGuids = 'leave' | 'rewrite';

/** A column that can hold a media path. */
export interface PathColumn {
  readonly table: string;
  readonly column: string;
  /** `path`: plain bytes. `file url`: `file://` and a path; other schemes are no paths. */
  readonly form: 'path' | 'file url';
  /** `rewrite`: always mapped. `on request`: left as it is and told, unless `file://` identifiers are to be mapped too. */
  readonly action: 'rewrite' | 'on request';
  readonly why: string;
}

/** Every column of Plex's databases in which media paths were ever found. To add one, add a line here. */
export const pathColumns: readonly PathColumn[] = [
  { table: 'section_locations', column: 'root_path', form: 'path', action: 'rewrite', why: 'The directories of a library' },
  { table: 'media_parts', column: 'file', form: 'path', action: 'rewrite', why: 'The media files; empty for extras in the cloud' },
  { table: 'media_streams', column: 'url', form: 'file url', action: 'rewrite', why: 'Subtitles and lyrics beside the media' },
  {
    table: 'metadata_items',
    column: 'guid',
    form: 'file url',
    action: 'on request',
    why: 'Watch state is joined by the text of the guid; left alone, history and artwork stay with their item',
  },
  { table: 'metadata_item_settings', column: 'guid', form: 'file url', action: 'on request', why: 'The same text as the guid of its item' },
  { table: 'metadata_item_views', column: 'guid', form: 'file url', action: 'on request', why: 'The same text as the guid of its item' },
  { table: 'metadata_item_views', column: 'grandparent_guid', form: 'file url', action: 'on request', why: 'The same text as the guid of its show' },
  { table: 'media_metadata_mappings', column: 'media_guid', form: 'file url', action: 'on request', why: 'Libraries up to 2025 only; the same text as the guid of its item' },
  { table: 'media_metadata_mappings', column: 'metadata_guid', form: 'file url', action: 'on request', why: 'Libraries up to 2025 only; the same text as the guid of its item' },
];

/** The columns that a rewrite changes. */
export function rewrittenColumns(fileGuids: FileGuids): readonly PathColumn[] {
  return fileGuids === 'rewrite' ? pathColumns : pathColumns.filter(({ action }) => action === 'rewrite');
}

/** Columns that are not searched for unknown paths, because what they hold is no text. */
export const columnsWithoutText: readonly { readonly table: string; readonly column: string; readonly why: string }[] = [
  { table: 'blobs', column: 'blob', why: 'Compressed analysis data, tied to its item by id' },
];
