import { z } from 'zod';
import { type ReportContext, withResult } from './section.ts';

const sample = z.object({ count: z.number(), first: z.array(z.string()) });
const sent = z.object({ skippedOther: sample, leavingLinks: sample });

/** Entries of the bulk that did not arrive, or may lead nowhere where they arrived; as the last sending found them. */
export function oddEntryLines(context: ReportContext): readonly string[] {
  const step = ['copy-rest', 'copy-ahead'].find((name) => context.history.stateOf(name).status === 'finished');
  if (step === undefined) return [];
  return withResult(context, step, sent, ({ skippedOther, leavingLinks }) => [
    ...listed('Sockets, pipes and devices were not copied. A program makes its own when it starts:', skippedOther),
    ...listed('Symbolic links that lead out of the data directory were copied as links. What they lead to has to exist on the target too if it matters:', leavingLinks),
  ]);
}

function listed(text: string, { count, first }: z.infer<typeof sample>): readonly string[] {
  if (count === 0) return [];
  return ['', text, '', ...first.map((entry) => `- \`${entry}\``), ...(count > first.length ? [`- and ${count - first.length} more`] : [])];
}
