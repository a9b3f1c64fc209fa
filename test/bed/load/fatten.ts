import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** What takes so much room in each of the two: chapters beside a part, and blobs of which a library with music has thousands. */
const fats = [
  { name: 'com.plexapp.plugins.library.db', sql: 'UPDATE media_parts SET extra_data = hex(randomblob(?1 / 2)) WHERE id <= (SELECT id FROM media_parts ORDER BY id LIMIT 1 OFFSET ?2)', pieces: 40 },
  { name: 'com.plexapp.plugins.library.blobs.db', sql: 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= ?2) INSERT INTO blobs("blob", linked_type, linked_id, blob_type) SELECT randomblob(?1), \'media_part\', 5000000 + i, 5 FROM n', pieces: 400 },
];

/** Makes a library and its blobs larger by about so many bytes each, so that copying them takes a while. Nothing may have them open. */
export function fatten(databases: string, sizeBytes: number): void {
  for (const { name, sql, pieces } of fats) {
    const database = new DatabaseSync(join(databases, name));
    try {
      database.exec('PRAGMA synchronous=OFF');
      database.prepare(sql).run(Math.floor(sizeBytes / pieces), pieces);
    } finally {
      database.close();
    }
  }
}
