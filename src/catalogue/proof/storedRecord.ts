import type { TreeCursor } from './treeCursor.ts';

/** One value of a row as the file holds it: its type (https://www.sqlite.org/fileformat.html, 2.1), and where its bytes lie. */
export interface StoredValues {
  /** How many values the row holds; a row made before a column was added holds fewer. */
  count: number;
  readonly types: number[];
  readonly starts: number[];
  readonly lengths: number[];
}

/** An empty place for the values of a row, to be filled again and again. */
export function createStoredValues(): StoredValues {
  return { count: 0, types: [], starts: [], lengths: [] };
}

const lengthOfType = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0] as const;

/** Takes the row on which the cursor stands apart, or its first values `upTo` a number of them; false where it is no row. */
export function readValues({ bytes, start, end }: TreeCursor, into: StoredValues, upTo = Infinity): boolean {
  let at = start;
  let headerEnd = 0;
  let value = bytes[at] ?? 0;
  at += 1;
  if (value >= 0x80) {
    value &= 0x7f;
    for (let more = true; more; at += 1) {
      const byte = bytes[at] ?? 0;
      value = value * 128 + (byte & 0x7f);
      more = byte >= 0x80;
    }
  }
  headerEnd = start + value;
  let content = headerEnd;
  let count = 0;
  while (at < headerEnd && count < upTo) {
    let type = bytes[at] ?? 0;
    at += 1;
    if (type >= 0x80) {
      type &= 0x7f;
      for (let more = true; more && at < headerEnd; at += 1) {
        const byte = bytes[at] ?? 0;
        type = type * 128 + (byte & 0x7f);
        more = byte >= 0x80;
      }
    }
    const length = type >= 12 ? (type - (type % 2 === 0 ? 12 : 13)) / 2 : (lengthOfType[type] ?? 0);
    into.types[count] = type;
    into.starts[count] = content;
    into.lengths[count] = length;
    content += length;
    count += 1;
  }
  into.count = count;
  return count === upTo ? content <= end : at === headerEnd && content === end;
}

/** True for the type of a text. */
export function isText(type: number): boolean {
  return type >= 13 && type % 2 === 1;
}
