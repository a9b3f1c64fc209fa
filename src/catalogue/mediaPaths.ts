import type { DatabaseSync } from 'node:sqlite';
import { mapFileUrl, pathOfFileUrl } from '../plex/fileUrl.ts';
import { mapPath, type PathMapping } from '../plex/pathMapping.ts';
import { bytesOfCell, nameDatabase, openDatabase } from './database.ts';

/** A media file a library names, as the target will look for it. */
export interface MediaPath {
  /** On the target; the same as `source` where no rule has it. */
  readonly path: Buffer;
  /** As the catalogue holds it. */
  readonly source: Buffer;
  /** The `from` of the rule that has it, or null. */
  readonly rule: string | null;
  readonly kind: 'part' | 'sidecar';
  readonly library: string | null;
  /** With those above it: an episode behind its show and season, a track behind its artist and album. */
  readonly title: string | null;
  /** As Plex recorded it, in bytes; null for sidecars and where it is not recorded. */
  readonly sizeBytes: number | null;
}

/** Every distinct media file and sidecar of the library `file`, mapped (give no mapping for a library that is rewritten already); one at a time. */
export async function* mediaPaths(file: string, mapping: PathMapping | null): AsyncGenerator<MediaPath> {
  let database: DatabaseSync | null = null;
  try {
    database = openDatabase(file, 'read');
    for (const kind of ['part', 'sidecar'] as const) {
      for (const row of database.prepare(rowsOf[kind]).iterate()) {
        const path = pathOf(row, { kind, mapping });
        if (path !== null) yield path;
      }
    }
  } catch (thrown) {
    throw nameDatabase(thrown, file);
  } finally {
    database?.close();
  }
}

type Row = Readonly<Record<string, unknown>>;

const titleInFull = `iif(coalesce(above.title, '') = '', '', above.title || ', ') || iif(coalesce(parent.title, '') = '', '', parent.title || ', ') || m.title`;
const itemsAbove = 'LEFT JOIN metadata_items AS parent ON parent.id = m.parent_id LEFT JOIN metadata_items AS above ON above.id = parent.parent_id';

// Bare columns beside min() come from the row it chose, so that several parts of one file count once.
const rowsOf: Readonly<Record<MediaPath['kind'], string>> = {
  part: `SELECT CAST(f.file AS BLOB) AS value, f.size AS size, s.name AS library, ${titleInFull} AS title, min(f.id)
         FROM media_parts AS f LEFT JOIN media_items AS i ON i.id = f.media_item_id LEFT JOIN metadata_items AS m ON m.id = i.metadata_item_id ${itemsAbove}
         LEFT JOIN library_sections AS s ON s.id = i.library_section_id WHERE typeof(f.file) = 'text' AND f.file <> '' GROUP BY f.file`,
  sidecar: `SELECT CAST(f.url AS BLOB) AS value, NULL AS size, s.name AS library, ${titleInFull} AS title, min(f.id)
         FROM media_streams AS f LEFT JOIN media_items AS i ON i.id = f.media_item_id LEFT JOIN metadata_items AS m ON m.id = i.metadata_item_id ${itemsAbove}
         LEFT JOIN library_sections AS s ON s.id = i.library_section_id WHERE typeof(f.url) = 'text' AND substr(f.url, 1, 8) = 'file:///' GROUP BY f.url`,
};

function pathOf(row: Row, { kind, mapping }: { readonly kind: MediaPath['kind']; readonly mapping: PathMapping | null }): MediaPath | null {
  const value = bytesOfCell(row['value']);
  const source = value === null ? null : kind === 'part' ? value : pathOfFileUrl(value);
  if (value === null || source === null) return null;
  const about = {
    source,
    kind,
    library: textOrNull(row['library']),
    title: textOrNull(row['title']),
    sizeBytes: typeof row['size'] === 'bigint' ? Number(row['size']) : null,
  };
  if (mapping === null) return { ...about, path: source, rule: null };
  if (kind === 'part') {
    const mapped = mapPath(mapping, value);
    return { ...about, path: mapped?.path ?? source, rule: mapped?.rule.from ?? null };
  }
  const mapped = mapFileUrl(mapping, value);
  return { ...about, path: (mapped === null ? null : pathOfFileUrl(mapped.url)) ?? source, rule: mapped?.rule.from ?? null };
}

function textOrNull(cell: unknown): string | null {
  return typeof cell === 'string' ? cell : null;
}
