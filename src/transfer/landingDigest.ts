import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import type { BytePath, Owner } from './entry.ts';
import type { TreeName } from './manifestListings.ts';
import { pathIn } from './manifestRows.ts';

/** What the landing area should hold, as one digest. */
export interface ExpectedDigest {
  /** Works it out, leaving time for others in between: SHA-256 in lower-case hex, of the records that the gate makes of what it finds, see `listing-digest` in gate.sh. */
  sha256(): Promise<string>;
  /** Directories whose time does not count, because the catalogue is delivered into them after they got theirs. */
  readonly withoutTime: readonly BytePath[];
}

/** Records hashed at a time. */
const batchRecords = 1_000;

// \1 between the fields sorts before every byte of a name but itself, so that records have the order of their paths.
const time = `printf('%d.0000000000', floor(modified))`;
const record = `CAST(path || char(1) || CASE type
    WHEN 'file' THEN 'f' || char(1) || size || char(1) || ${time} || char(1) || printf('%o', mode)
    WHEN 'link' THEN 'l' || char(1) || link || char(1) || ${time} || char(1)
    ELSE 'd' || char(1) || char(1) || CASE WHEN path IN (SELECT path FROM holds_catalogue) THEN '-' ELSE ${time} END || char(1) || printf('%o', mode)
  END || char(1) || :owner || char(0) AS BLOB)`;

/**
 * Digests both complete listings as the landing area should be: the views and tables of a landing record. Equal digests prove that nothing
 * is missing, extra or different there (type, size, second, mode, link, owner). Others prove nothing: names that hold the byte \1 sort
 * otherwise there. Null where the gate cannot be asked, which takes no line breaks.
 */
export function expectedDigest(database: DatabaseSync, owner: Owner): ExpectedDigest | null {
  const withoutTime = database.prepare('SELECT path FROM holds_catalogue ORDER BY path').all().map((row) => pathIn(row, 'path'));
  if (withoutTime.some((path) => path.includes('\n'))) return null;
  const records = (tree: TreeName): Iterator<Buffer> =>
    recordsOf(database.prepare(`SELECT ${record} AS record FROM expected WHERE tree = :tree ORDER BY path`).iterate({ tree, owner: `${owner.uid}:${owner.gid}` }));
  return {
    withoutTime,
    async sha256() {
      const hash = createHash('sha256');
      let batch: Buffer[] = [];
      for (const next of merged(records('bulk'), records('catalogue'))) {
        batch.push(next);
        if (batch.length < batchRecords) continue;
        hash.update(Buffer.concat(batch));
        batch = [];
        await setImmediate();
      }
      return hash.update(Buffer.concat(batch)).digest('hex');
    },
  };
}

function* recordsOf(rows: Iterable<Readonly<Record<string, unknown>>>): Generator<Buffer> {
  for (const row of rows) {
    const bytes = row['record'];
    if (!(bytes instanceof Uint8Array)) throw new Error('The manifest holds an entry that makes no record');
    yield Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
}

function* merged(one: Iterator<Buffer>, other: Iterator<Buffer>): Generator<Buffer> {
  let [left, right] = [one.next(), other.next()];
  while (left.done !== true || right.done !== true) {
    const takesLeft = right.done === true || (left.done !== true && Buffer.compare(left.value, right.value) < 0);
    const taken = takesLeft ? left : right;
    if (taken.done !== true) yield taken.value;
    if (takesLeft) left = one.next();
    else right = other.next();
  }
}
