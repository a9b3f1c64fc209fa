import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';

/** Everything a database holds: its schema, and by table every cell as its storage class and bytes. */
export type TableContent = Readonly<Record<string, readonly string[]>>;

/** Reads all of it: what `sqlite_master` says, every row of every ordinary table with its number, and the settings in the header. */
export function contentOf(file: string): TableContent {
  // Leaves nothing beside the file, which has no log.
  const database = new DatabaseSync(`${pathToFileURL(file).href}?mode=ro&immutable=1`, { readOnly: true, readBigInts: true });
  try {
    const content: Record<string, readonly string[]> = {
      sqlite_master: database.prepare('SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name').all().map((row) => JSON.stringify(row)),
      settings: ['page_size', 'encoding', 'auto_vacuum', 'user_version', 'application_id', 'schema_version'].map((setting) => `${setting} ${String(Object.values(database.prepare(`PRAGMA ${setting}`).get() ?? {})[0])}`),
    };
    const tables = database.prepare("SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow') AND name <> 'sqlite_schema' ORDER BY name").all();
    for (const { name, wr } of tables) {
      const columns = database.prepare('SELECT name FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid').all(String(name)).map((row) => `"${String(row['name']).replaceAll('"', '""')}"`);
      const cells = columns.map((column) => `typeof(${column}) || ':' || CASE typeof(${column}) WHEN 'real' THEN printf('%!.20g', ${column}) ELSE hex(${column}) END`);
      const key = Number(wr) === 1 ? '' : "rowid || ' ' || ";
      content[String(name)] = database.prepare(`SELECT ${key}${cells.join(" || ' ' || ")} AS row FROM "${String(name)}" NOT INDEXED${key === '' ? '' : ' ORDER BY rowid'}`).all().map(({ row }) => String(row));
    }
    return content;
  } finally {
    database.close();
  }
}
