import { bytesOf, type BytePath, type Entry } from './entry.ts';

/** What GNU tar says, after the name, of a file that changed under its hands (exit code 1). */
const changed = /^[^:]*tar[^:]*: (?<name>.*): (?:file changed as we read it|File shrank by \d+ bytes?; padding with zeros)$/;

/** The positions of the entries that GNU tar named as changed while it read them. Best effort: the text may be cut short. */
export function namedAsChanged(stderr: string, entries: readonly Entry[]): ReadonlySet<number> {
  const names = new Set(stderr.split('\n').flatMap((line) => changed.exec(line)?.groups?.['name'] ?? []));
  if (names.size === 0) return new Set();
  return new Set(entries.flatMap(({ path }, position) => (spellingsOf(path).some((spelling) => names.has(spelling)) ? [position] : [])));
}

/** Characters that have a letter of their own behind the backslash. */
const letters: ReadonlyMap<string, string> = new Map([
  ['\\', '\\'], [':', ':'], ['\n', 'n'], ['\t', 't'], ['\r', 'r'], ['\f', 'f'], ['\v', 'v'], ['\b', 'b'], ['\u0007', 'a'],
]);

/** A name as GNU tar spells it in messages (its quoting style "escape"), in a UTF-8 locale and in the C locale. */
function spellingsOf(path: BytePath): readonly string[] {
  const text = bytesOf(path).toString('utf8');
  return [Array.from(text, (character) => spelled(character, 0x10_ff_ff)), Array.from(path, (character) => spelled(character, 0x7e))].map((all) => all.join(''));
}

function spelled(character: string, lastPrintable: number): string {
  const letter = letters.get(character);
  if (letter !== undefined) return `\\${letter}`;
  const code = character.codePointAt(0) ?? 0;
  return code < 0x20 || code === 0x7f || code > lastPrintable ? `\\${code.toString(8).padStart(3, '0')}` : character;
}
