import { z } from 'zod';
import { afterwards } from '../../migration/afterwards.ts';
import type { ReportContext, ReportSection } from './section.ts';
import { table } from './section.ts';
import { bytesText, durationText } from '../../units.ts';

// A journal may be older than this plexlift: results are read by shape, and one that does not fit is left out, not guessed.
const count = z.number();
const backup = z.object({ snapshot: z.object({ method: z.string(), takenAt: z.string(), files: z.array(z.object({ path: z.string(), sizeBytes: count, sha256: z.string() })) }) });
const examined = z.object({
  counts: z.object({
    libraries: z.array(z.object({ name: z.string(), type: z.string(), roots: z.array(z.string()), items: z.record(z.string(), count), optimizedVersions: count })),
    users: count, watched: count, inProgress: count, ratings: count, history: count, playlists: count, collections: count, chosenStreams: count,
  }),
  notProven: z.array(z.string()),
});
const lookUp = z.object({ lookedUp: count, present: count, missing: count, unreadable: count, otherSize: count, notLookedUp: count, missingByLibrary: z.record(z.string(), count), comparedFiles: count });
const sent = z.object({ entries: count, bytes: count, segments: count, retries: count, removed: count, durationMs: count, listed: z.looseObject({ entries: count.optional(), leftBehind: z.unknown().optional() }) });
const rewritten = z.object({
  report: z.object({
    databases: z.array(z.object({ file: z.string(), columns: z.array(z.object({ table: z.string(), column: z.string(), rows: count, changed: count })) })),
    preferences: z.object({ report: z.array(z.object({ name: z.string(), action: z.string(), detail: z.string() })) }),
  }),
});
const proven = z.object({ tablesCompared: count, rowsCompared: count, differenceCount: count });
const landed = z.object({ landing: z.object({ entries: count, bytes: count, filesReadAgain: count }), databases: z.array(z.object({ path: z.string(), said: z.string() })) });

/** The sections that tell the results of steps. */
export const resultSections: readonly ReportSection[] = [
  { heading: 'The library', lines: (context) => withResult(context, 'examine', examined, libraryLines) },
  { heading: 'Backup', lines: (context) => withResult(context, 'back-up', backup, backupLines) },
  { heading: 'Media files', lines: (context) => withResult(context, 'media', lookUp, mediaLines) },
  { heading: 'What was copied', lines: copyLines },
  { heading: 'What was rewritten', lines: (context) => withResult(context, 'rewrite', rewritten, rewriteLines) },
  { heading: 'Proof', lines: proofLines },
  { heading: 'For you to do', lines: (context) => (context.history.stateOf('publish').status === 'finished' ? afterwards.map((text) => `- ${text}`) : []) },
];

function withResult<Shape>({ history }: ReportContext, step: string, shape: z.ZodType<Shape>, lines: (result: Shape) => readonly string[]): readonly string[] {
  const state = history.stateOf(step);
  if (state.status !== 'finished') return [];
  const parsed = shape.safeParse(state.result);
  return parsed.success ? lines(parsed.data) : [`The result of \`${step}\` was recorded by another version of plexlift; it stands in \`journal.ndjson\`.`];
}

function libraryLines({ counts, notProven }: z.infer<typeof examined>): readonly string[] {
  const libraries = counts.libraries.map((library) => [library.name, library.type, library.roots.map((root) => `\`${root}\``).join(', '), Object.entries(library.items).map(([kind, items]) => `${items} ${kind}`).join(', '), String(library.optimizedVersions)]);
  return [
    ...table(['library', 'type', 'directories', 'items', 'optimized versions'], libraries),
    '',
    `${counts.users} users, ${counts.watched} items watched, ${counts.inProgress} begun, ${counts.ratings} ratings, ${counts.history} history entries, ${counts.playlists} playlists, ${counts.collections} collections, ${counts.chosenStreams} chosen tracks.`,
    ...(notProven.length === 0 ? [] : ['', 'What the SQLite on this computer cannot examine, and Plex\'s own examines on the target:', '', ...notProven.map((part) => `- ${part}`)]),
  ];
}

function backupLines({ snapshot }: z.infer<typeof backup>): readonly string[] {
  return [`Taken ${snapshot.takenAt} (${snapshot.method === 'online' ? 'while Plex ran' : 'with Plex stopped'}); a restore of it was tried.`, '', ...table(['file', 'size', 'SHA-256'], snapshot.files.map((file) => [`\`${file.path}\``, bytesText(file.sizeBytes), `\`${file.sha256}\``]))];
}

function mediaLines(found: z.infer<typeof lookUp>): readonly string[] {
  const missing = Object.entries(found.missingByLibrary);
  return [
    `${found.present} of ${found.lookedUp} files are there; ${found.missing} are missing, ${found.unreadable} cannot be opened, ${found.otherSize} have another size than Plex recorded, ${found.notLookedUp} were not looked up. ${found.comparedFiles} were compared with the source by their first bytes.`,
    ...(missing.length === 0 ? [] : ['', ...table(['library', 'missing files'], missing.map(([library, files]) => [library, String(files)])), '', 'Each of them, with its title, is in `missing-media.ndjson`.']),
  ];
}

function copyLines(context: ReportContext): readonly string[] {
  const rows = ['copy-ahead', 'copy-rest', 'deliver'].flatMap((step) => {
    const state = context.history.stateOf(step);
    const parsed = state.status === 'finished' ? sent.safeParse(state.result) : null;
    if (parsed?.success !== true) return [];
    const { entries, bytes, segments, retries, removed, durationMs } = parsed.data;
    return [[`\`${step}\``, String(entries), bytesText(bytes), String(segments), String(retries), String(removed), durationText(durationMs)]];
  });
  return rows.length === 0 ? [] : [...table(['step', 'entries', 'size', 'segments', 'sent again', 'removed', 'took'], rows), '', 'Every segment was proven by a receipt: the same tar, made again from what lies on the volume, has the same SHA-256.'];
}

function rewriteLines({ report }: z.infer<typeof rewritten>): readonly string[] {
  const columns = report.databases.flatMap(({ file, columns: rewrittenColumns }) => rewrittenColumns.map(({ table: name, column, rows, changed }) => [file, `${name}.${column}`, String(rows), String(changed)]));
  return [...table(['database', 'column', 'rows with text', 'changed'], columns), '', ...table(['setting', 'what was done', 'detail'], report.preferences.report.map(({ name, action, detail }) => [`\`${name}\``, action, detail]))];
}

function proofLines(context: ReportContext): readonly string[] {
  return [
    ...withResult(context, 'prove-rewrite', proven, (proof) => [`- Rewrite: ${proof.tablesCompared} tables and ${proof.rowsCompared} rows compared cell by cell; ${proof.differenceCount} differences that the mapping does not predict.`]),
    ...withResult(context, 'prove-landing', landed, ({ landing, databases }) => [
      `- Landing area: ${landing.entries} entries, ${bytesText(landing.bytes)}, read back and compared; the content of ${landing.filesReadAgain} files read once more.`,
      ...databases.map(({ path, said }) => `- Plex's own SQLite on \`${path}\`: ${said}`),
    ]),
  ];
}
