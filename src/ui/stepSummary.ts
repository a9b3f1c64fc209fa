import { z } from 'zod';
import type { Json } from '../runner/json.ts';
import { bytesText } from '../units.ts';

const count = z.number();
const sent = z.object({ entries: count, bytes: count, segments: count, retries: count, removed: count, durationMs: count, listed: z.object({ entries: count }), notSent: z.object({ count }) });
const landed = z.object({ landing: z.object({ entries: count, bytes: count, filesReadAgain: count, since: z.object({ directoriesReadAgain: count }).nullable().default(null) }) });
const lookedUp = z.object({ lookedUp: count, present: count, comparedFiles: count });

/** What came of a step in one line, where its result is one that a person waited for; null of others. Results are known by their shape. */
export function stepSummary(result: Json): string | null {
  const copied = sent.safeParse(result);
  if (copied.success) return sentText(copied.data);
  const readBack = landed.safeParse(result);
  if (readBack.success) return readBackText(readBack.data.landing);
  const media = lookedUp.safeParse(result);
  // What is missing was noted.
  return media.success && media.data.present === media.data.lookedUp ? `all ${numberText(media.data.present)} media files are there` : null;
}

function readBackText({ entries, filesReadAgain, since }: z.infer<typeof landed>['landing']): string {
  const what = since === null ? `${numberText(entries)} entries` : `${numberText(since.directoriesReadAgain)} directories in which something was done since all ${numberText(entries)} entries were read back`;
  return `read back ${what}, and the content of ${numberText(filesReadAgain)} files`;
}

function sentText({ entries, bytes, retries, removed, durationMs, listed, notSent }: z.infer<typeof sent>): string {
  const rate = bytes > 0 && durationMs >= 1000 ? `, ${bytesText(Math.round((1000 * bytes) / durationMs))}/s in all` : '';
  const nothing = entries > 0 ? null : notSent.count > 0 ? 'sent nothing' : `nothing to send: ${numberText(listed.entries)} entries are there already`;
  const facts = [
    nothing ?? `sent ${bytesText(bytes)} in ${numberText(entries)} entries${rate}`,
    ...(removed === 0 ? [] : [`${numberText(removed)} removed`]),
    ...(retries === 0 ? [] : [`sent again: ${numberText(retries)}`]),
    ...(notSent.count === 0 ? [] : [`left for the next time: ${numberText(notSent.count)}`]),
  ];
  return facts.join('; ');
}

function numberText(value: number): string {
  return value.toLocaleString('en-GB');
}
