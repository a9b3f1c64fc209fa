import { basename } from 'node:path';
import { z } from 'zod';
import { afterwards } from '../../migration/afterwards.ts';
import type { ReportContext, ReportSection } from './section.ts';
import { table, withResult } from './section.ts';
import { bytesText, durationText } from '../../units.ts';
import { otherPathLines, schemaLines } from './coverageSection.ts';
import { integrityLines } from './integritySection.ts';
import { oddEntryLines } from './oddEntriesSection.ts';

const facts = z.object({
  source: z.object({ name: z.string(), dataDirectory: z.string(), version: z.string().nullable(), processedMachineIdentifier: z.string().nullable(), friendlyName: z.string().nullable(), bulkBytes: z.number(), bulkEntries: z.number(), databaseBytes: z.number() }),
  target: z.object({ name: z.string(), version: z.string().nullable(), owner: z.object({ uid: z.number(), gid: z.number() }), mounts: z.array(z.string()).nullable(), room: z.object({ freeBytes: z.number(), freeInodes: z.number(), fileSystem: z.string() }).nullable(), before: z.record(z.string(), z.unknown()) }),
});

// A journal may be older than this plexlift: results are read by shape, and one that does not fit is left out, not guessed.
const count = z.number();
const backup = z.object({ snapshot: z.object({ method: z.string(), takenAt: z.string(), files: z.array(z.object({ path: z.string(), sizeBytes: count, sha256: z.string() })) }) });
const examined = z.object({
  counts: z.object({
    libraries: z.array(z.object({ name: z.string(), type: z.string(), roots: z.array(z.string()), items: z.record(z.string(), count), optimizedVersions: count })),
    users: count, watched: count, inProgress: count, ratings: count, history: count, playlists: count, collections: count, chosenStreams: count,
  }),
});
const lookUp = z.object({ lookedUp: count, present: count, missing: count, unreadable: count, otherSize: count, notLookedUp: count, missingByLibrary: z.record(z.string(), count), comparedFiles: count });
const sent = z.object({ entries: count, bytes: count, segments: count, retries: count, removed: count, durationMs: count, listed: z.object({ leftBehind: z.array(z.object({ path: z.string(), reason: z.string(), entries: count, sizeBytes: count })) }) });
const rewritten = z.object({
  report: z.object({
    databases: z.array(z.object({ file: z.string(), columns: z.array(z.object({ table: z.string(), column: z.string(), rows: count, changed: count })) })),
    preferences: z.object({ report: z.array(z.object({ name: z.string(), action: z.string(), detail: z.string() })) }),
  }),
});
const proven = z.object({ tablesCompared: count, rowsCompared: count, indexesCompared: count.nullable().default(null), differenceCount: count, notProven: z.array(z.string()).default([]) });
const readBackSince = z.object({ wholeAt: z.string(), directoriesReadAgain: count }).nullable().default(null);
const landed = z.object({ landing: z.object({ entries: count, bytes: count, filesReadAgain: count, since: readBackSince }), databases: z.array(z.object({ path: z.string(), said: z.string(), examined: z.boolean().default(true) })) });

/** The sections that tell the results of steps. */
export const resultSections: readonly ReportSection[] = [
  { heading: 'Both sides as they were', lines: (context) => withResult(context, 'inspect', facts, sideLines) },
  { heading: 'The library', lines: (context) => withResult(context, 'examine', examined, libraryLines) },
  { heading: 'Other paths in the databases', lines: otherPathLines },
  { heading: 'Schema of the databases', lines: schemaLines },
  { heading: 'Integrity', lines: integrityLines },
  { heading: 'Backup', lines: (context) => withResult(context, 'back-up', backup, backupLines) },
  { heading: 'Media files', lines: (context) => withResult(context, 'media', lookUp, mediaLines) },
  { heading: 'What was copied', lines: copyLines },
  { heading: 'What was left behind', lines: leftBehindLines },
  { heading: 'Entries that are no files, and links that lead out', lines: oddEntryLines },
  { heading: 'What was rewritten', lines: (context) => withResult(context, 'rewrite', rewritten, rewriteLines) },
  { heading: 'Proof', lines: proofLines },
  { heading: 'For you to do', lines: (context) => (context.history.stateOf('publish').status === 'finished' ? afterwards.map((text) => `- ${text}`) : []) },
];

function libraryLines({ counts }: z.infer<typeof examined>): readonly string[] {
  const libraries = counts.libraries.map((library) => [library.name, library.type, library.roots.map((root) => `\`${root}\``).join(', '), Object.entries(library.items).map(([kind, items]) => `${items} ${kind}`).join(', '), String(library.optimizedVersions)]);
  return [
    ...table(['library', 'type', 'directories', 'items', 'optimized versions'], libraries),
    '',
    `${counts.users} users, ${counts.watched} items watched, ${counts.inProgress} begun, ${counts.ratings} ratings, ${counts.history} history entries, ${counts.playlists} playlists, ${counts.collections} collections, ${counts.chosenStreams} chosen tracks.`,
  ];
}

function sideLines({ source, target }: z.infer<typeof facts>): readonly string[] {
  const room = target.room === null ? 'not known' : `${bytesText(target.room.freeBytes)} and ${target.room.freeInodes} inodes free on ${target.room.fileSystem}`;
  return table(
    ['', 'source', 'target'],
    [
      ['name', source.name, target.name],
      ['version', source.version ?? 'not known', target.version ?? 'no server'],
      ['data', `\`${source.dataDirectory}\``, [target.before['chart'], target.before['image']].filter((part) => typeof part === 'string').join(', ')],
      ['size', `${bytesText(source.bulkBytes)} in ${source.bulkEntries} entries, databases ${bytesText(source.databaseBytes)}`, room],
      ['identity', source.processedMachineIdentifier ?? 'none', typeof target.before['identity'] === 'string' ? target.before['identity'] : 'none'],
      ['server name', source.friendlyName ?? 'that of the machine', ''],
      ['media', '', target.mounts === null ? 'any directory' : target.mounts.map((mount) => `\`${mount}\``).join(', ')],
      ['Plex runs as', '', `${target.owner.uid}:${target.owner.gid}`],
    ],
  );
}

function leftBehindLines(context: ReportContext): readonly string[] {
  const step = ['copy-rest', 'copy-ahead'].find((name) => context.history.stateOf(name).status === 'finished');
  if (step === undefined) return [];
  return withResult(context, step, sent, ({ listed }) => table(['entry', 'why', 'entries', 'size'], listed.leftBehind.map((left) => [`\`${left.path}\``, left.reason, String(left.entries), bytesText(left.sizeBytes)])));
}

function backupLines({ snapshot }: z.infer<typeof backup>): readonly string[] {
  return [`Taken ${snapshot.takenAt} (${snapshot.method === 'online' ? 'while Plex ran' : 'with Plex stopped'}); a restore of it was tried.`, '', ...table(['file', 'size', 'SHA-256'], snapshot.files.map((file) => [`\`${file.path}\``, bytesText(file.sizeBytes), `\`${file.sha256}\``]))];
}

function mediaLines(found: z.infer<typeof lookUp>): readonly string[] {
  const missing = Object.entries(found.missingByLibrary);
  return [
    `${found.present} of ${found.lookedUp} files are there; ${found.missing} are missing, ${found.unreadable} cannot be opened, ${found.otherSize} have another size than Plex recorded, ${found.notLookedUp} were not looked up. ${found.comparedFiles} were seen to be the source's own, by size and first bytes.`,
    ...(missing.length === 0 ? [] : ['', ...table(['library', 'missing files'], missing.map(([library, files]) => [library, String(files)]))]),
    ...(found.missing + found.unreadable + found.otherSize === 0 ? [] : ['', 'Each of them is in `missing-media.ndjson`, with its library and title.']),
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
  const columns = report.databases.flatMap(({ file, columns: rewrittenColumns }) => rewrittenColumns.map(({ table: name, column, rows, changed }) => [basename(file), `${name}.${column}`, String(rows), String(changed)]));
  return [...table(['database', 'column', 'rows with a path', 'changed'], columns), '', ...table(['setting', 'what was done', 'detail'], report.preferences.report.map(({ name, action, detail }) => [`\`${name}\``, action, detail]))];
}

function proofLines(context: ReportContext): readonly string[] {
  return [
    ...withResult(context, 'prove-rewrite', proven, (proof) => [
      `- Rewrite: ${proof.tablesCompared} tables with ${proof.rowsCompared} rows${proof.indexesCompared === null ? '' : `, and ${proof.indexesCompared} indexes,`} compared, row by row where their pages are not the same bytes; ${proof.differenceCount} differences that the mapping does not predict.`,
      ...proof.notProven.map((sentence) => `  - Not proven: ${sentence}`),
    ]),
    ...withResult(context, 'prove-landing', landed, ({ landing, databases }) => [
      `- Landing area: ${landing.entries} entries, ${bytesText(landing.bytes)}, read back and compared; the content of ${landing.filesReadAgain} files read once more.`,
      ...(landing.since === null ? [] : [`  - As a whole at ${landing.since.wholeAt}, before the source was stopped; after everything had arrived, once more the ${landing.since.directoriesReadAgain} directories in which something was copied or removed since.`]),
      ...databases.map(({ path, said }) => `- Plex's own SQLite on \`${path}\`: ${said}`),
    ]),
  ];
}
