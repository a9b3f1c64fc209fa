import type { DatabaseSync } from 'node:sqlite';
import type { Counts } from './counts.ts';

// Rows for each thousand parts, in tables that grow with use; all others have what a server starts with.
const perThousandParts: Readonly<Record<string, number>> = {
  activities: 10, external_metadata_items: 10, locatables: 10, location_places: 2, media_grabs: 1, media_item_settings: 50, media_stream_settings: 20,
  metadata_item_accounts: 20, metadata_item_clusterings: 10, metadata_item_clusters: 1, metadata_item_setting_markers: 10, metadata_subscription_desired_items: 5,
  play_queue_generators: 20, play_queue_items: 50, play_queues: 2, remote_id_translation: 10, statistics_bandwidth: 150, statistics_media: 50,
  statistics_resources: 20, versioned_metadata_items: 10,
};
const fewRows = 40;

/** Puts rows into every ordinary table that has none yet, each cell after the type and name of its column. */
export function fillRemainingTables(database: DatabaseSync, { parts }: Counts): void {
  const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'fts4_%' AND name NOT LIKE 'locations_%'").all();
  for (const { name } of tables) {
    const table = String(name);
    if (database.prepare(`SELECT 1 FROM "${table}" LIMIT 1`).get() !== undefined) continue;
    const rows = Math.max(fewRows, Math.ceil(((perThousandParts[table] ?? 0) * parts) / 1000));
    const columns = database.prepare('SELECT name, type FROM pragma_table_info(?) ORDER BY cid').all(table).map((row) => ({ name: String(row['name']), type: String(row['type']).toLowerCase() }));
    const cells = columns.map((column, place) => cellOf(column, { place, parts }));
    database.exec(`
      WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${rows})
      INSERT INTO "${table}" (${columns.map((column) => `"${column.name}"`).join(', ')})
      SELECT ${cells.join(', ')} FROM numbers JOIN temp.phrase AS w ON w.id = n * 31 % 4096 ORDER BY n`);
  }
}

function cellOf({ name, type }: { readonly name: string; readonly type: string }, { place, parts }: { readonly place: number; readonly parts: number }): string {
  if (name === 'id') return 'n';
  // Parents come first, and some rows have none.
  if (name === 'parent_id') return 'CASE WHEN n % 3 = 0 THEN n / 3 END';
  if (name === 'account_id') return '1 + n % 5';
  if (name.endsWith('_id')) return `1 + (n + ${place}) % ${parts}`;
  if (type.startsWith('dt_') || name.endsWith('_at') || name === 'at') return `1600000000 + n * 61 + ${place}`;
  if (type === 'boolean') return `(n + ${place}) % 2`;
  if (type === 'float') return `n * 1000.0 / ${place + 3}`;
  if (type === 'blob') return `zeroblob(8 + n % 24)`;
  if (name === 'extra_data') return `'{"pv:first":"' || n || '","url":"pv%3Afirst=' || n || '"}'`;
  if (name === 'uri') return `'library://5fca3d2b-' || n || '/item/%2Flibrary%2Fmetadata%2F' || n`;
  if (type.startsWith('int') || type === 'timestamp') return `n * ${place + 1}`;
  return `w.text || ' ' || n`;
}
