/** What the integrity check of Plex's own SQLite came to. `false report`: nothing but what it is known to say of sound libraries. */
export type OwnSqliteVerdict = 'sound' | 'false report' | 'damage' | 'no verdict';

/** What Plex's own SQLite said of one database, beside what that means. */
export type OwnSqliteFinding = {
  /** Name of the file, e.g. `com.plexapp.plugins.library.db`. */
  readonly file: string;
  readonly verdict: OwnSqliteVerdict;
  /** At most 20 lines; the last counts what was left out. */
  readonly lines: readonly string[];
};

// Said of sound libraries whose indexed titles hold NULLs. The same of any other table, or with any other ending, would be damage.
const knownFalseReport = /^unable to validate the inverted index for FTS4 table main\.fts4_(?:metadata|tag)_titles_icu: SQL logic error$/;

// What SQLite calls a file that it cannot go on reading; texts of https://www.sqlite.org/src/file/src/main.c (sqlite3ErrStr).
const cannotGoOn = /\b(?:malformed|not a database|disk I\/O error)\b/;

/** Judges the lines of `PRAGMA integrity_check`, or of the error that ended it, as Plex's own SQLite prints them. */
export function judgeOwnSqlite(lines: readonly string[]): OwnSqliteVerdict {
  if (lines.length === 0) return 'no verdict';
  if (lines.length === 1 && lines[0] === 'ok') return 'sound';
  return lines.every((line) => knownFalseReport.test(line)) ? 'false report' : 'damage';
}

/** True where what a program printed at its end means that it met damage, and not that it could not do its work. */
export function namesDamage(lines: readonly string[]): boolean {
  return lines.some((line) => cannotGoOn.test(line));
}

/** How many lines about one file are told; whoever needs more asks SQLite. */
const toldLines = 20;

/** The first 20 lines, and how many more there are. */
export function firstLines(lines: readonly string[]): readonly string[] {
  return lines.length <= toldLines ? lines : [...lines.slice(0, toldLines - 1), `… and ${lines.length - toldLines + 1} more, ${lines.length} in all`];
}
