/** `WITH` clause of a statement that counts `n` from 1 to `rows`. */
export function numbers(rows: number): string {
  return `WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${rows})`;
}

/** A number from 0 to 2^32 that has nothing to do with the order of `n`; `salt` gives another. */
export function mixed(n: string, salt = 0): string {
  return `((((${n}) + ${salt}) * 2654435761 + ${salt * 40_503}) & 4294967295)`;
}
