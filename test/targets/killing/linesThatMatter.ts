import type { SteppedLine } from './steppedScript.ts';

/** Verbs that only read, and leave nothing on the volume but scratch that the next one removes. */
const reading = ['state', 'boot', 'room', 'identity', 'mounts', 'reach', 'page', 'digests', 'look-up', 'sample', 'read-preferences', 'tools', 'time-zone', 'trial'];

/** Functions that change nothing themselves, and have lines for what a test cannot be quick about or is not root for. */
const excused: Readonly<Record<string, string>> = {
  as_plex_words: 'finds words for root',
  bounded: 'waits for a program that may hang; the program only reads',
  watched: 'waits for a stream that may stand still; what reads the stream is a step of its own',
  publish_repair: 'words',
  state_repair: 'words',
  tell_names: 'words',
};

/** A line that refuses: whatever is killed there would have ended anyway. */
const refusal = /^(?:(?:(?!&&|\|\|).)*; )?die \d+ |there is no volume at/;
const dispatch = /^verb_([a-z_]+)(?: |;|$)/;

/** The lines at which the script has to be killed: of every verb that changes something, and of all that it calls. A new verb is one of them. */
export function linesThatMatter(lines: readonly SteppedLine[]): readonly SteppedLine[] {
  const names = new Set(lines.flatMap(({ within }) => (within === null ? [] : [within])));
  const readingFunctions = new Set(reading.map((verb) => `verb_${verb.replaceAll('-', '_')}`));
  const reached = new Set<string>();
  function reach(text: string): void {
    for (const word of text.match(/[a-z_]+/g) ?? []) {
      if (!names.has(word) || reached.has(word) || readingFunctions.has(word)) continue;
      reached.add(word);
      for (const line of lines) if (line.within === word) reach(line.text);
    }
  }
  for (const { within, text } of lines) if (within === null) reach(text);
  return lines.filter(({ within, text }) => {
    if (within === null && readingFunctions.has(`verb_${dispatch.exec(text)?.[1] ?? ''}`)) return false;
    return (within === null || reached.has(within)) && !((within ?? '') in excused) && !refusal.test(text);
  });
}
