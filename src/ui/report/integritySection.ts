import { basename } from 'node:path';
import { z } from 'zod';
import { provenByNobody, provenHere } from '../../migration/provenWords.ts';
import type { ReportContext } from './section.ts';
import { withResult } from './section.ts';

const examined = z.object({
  notProven: z.array(z.string()),
  // An older plexlift recorded the lines about one database only.
  ownSqlite: z.array(z.object({ file: z.string(), verdict: z.string(), lines: z.array(z.string()) })).nullable().catch(null),
});
const landed = z.object({ databases: z.array(z.object({ path: z.string(), said: z.string(), examined: z.boolean().default(true) })) });

type Examined = z.infer<typeof examined>;

/** What of the databases was proven, by whom, and what nobody proves. */
export function integrityLines(context: ReportContext): readonly string[] {
  return withResult(context, 'examine', examined, (found) => {
    const inPod = landedDatabases(context);
    return [
      `- Proven here: ${provenHere}.`,
      ...(found.notProven.length === 0 ? [] : [`- Left to Plex's own SQLite, which alone has its collations and its search index: ${whoExamined(found, inPod)}`, ...groupedByText(found.notProven).map((part) => `  - ${part}`)]),
      ...(found.ownSqlite ?? []).filter(({ verdict }) => verdict !== 'sound').map(({ file, lines }) => `- On the source, Plex's own SQLite said of \`${file}\` what it is known to say of sound libraries: ${lines.join('; ')}`),
      `- Proven by nobody: ${provenByNobody}.`,
    ];
  });
}

function landedDatabases({ history }: ReportContext): z.infer<typeof landed>['databases'] | null {
  const state = history.stateOf('prove-landing');
  const parsed = state.status === 'finished' ? landed.safeParse(state.result) : null;
  return parsed?.success === true ? parsed.data.databases : null;
}

function whoExamined({ ownSqlite }: Examined, inPod: ReturnType<typeof landedDatabases>): string {
  const source = ownSqlite === null ? 'there was none on the source' : `the source's own examined the backup (${ownSqlite.map(({ file }) => `\`${file}\``).join(', ')}) and found no damage`;
  if (inPod === null) return `${source}; where Plex will run, nothing has been examined yet.`;
  const examinedThere = inPod.filter((database) => database.examined).map(({ path }) => `\`${basename(path)}\``);
  if (examinedThere.length > 0) return `${source}; where Plex will run, its own examined what arrived (${examinedThere.join(', ')}) and found no damage.`;
  return `${source}; there was none where Plex will run${ownSqlite === null ? ', so **nobody has proven what follows**' : ''}.`;
}

/** Lines of the form "file: text", told once for each text with the files it is true of. */
function groupedByText(lines: readonly string[]): readonly string[] {
  const files = new Map<string, string[]>();
  for (const line of lines) {
    const split = line.indexOf(': ');
    const text = line.slice(split + 2);
    files.set(text, [...(files.get(text) ?? []), line.slice(0, split)]);
  }
  return [...files].map(([text, names]) => `${text} (${names.length > 4 ? `${names.length} databases` : names.join(', ')})`);
}
