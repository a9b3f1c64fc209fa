/** The moment the make-believe server was stopped, in seconds since 1970: every other time in the library lies before it. */
export const stoppedAt = Date.UTC(2026, 10, 22, 4, 0, 0) / 1000;

/** Seconds in a day. */
export const daySeconds = 86_400;

/** The moment `days` before the server was stopped, in seconds since 1970. */
export function daysBefore(days: number): number {
  return stoppedAt - Math.round(days * daySeconds);
}

/** The UTC date of `seconds` since 1970 as `2026-11-20`, the form in the names of dated backups. */
export function dateText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}
