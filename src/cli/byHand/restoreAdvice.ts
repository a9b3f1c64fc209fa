import { z } from 'zod';
import { quoteForShell } from '../../machines/command.ts';
import type { CatalogueName } from '../../migration/recordedCatalogues.ts';
import { databasesDirectory, preferencesFile } from '../../plex/dataDirectory.ts';
import type { RecordedEvent } from '../../runner/events.ts';
import { historyOf } from '../../runner/history.ts';

/** What the advice is made from: which copy was restored, where to, and what the run knows of the source. */
export interface AdviceOptions {
  readonly name: CatalogueName;
  readonly into: string;
  readonly events: readonly RecordedEvent[];
}

const inspected = z.object({ source: z.object({ dataDirectory: z.string(), service: z.object({ unit: z.string(), user: z.string(), group: z.string() }).nullable() }) });

// Those of Plex's own package, for a source that was a directory.
const packaged = { dataDirectory: '/var/lib/plexmediaserver/Library/Application Support/Plex Media Server', service: { unit: 'plexmediaserver.service', user: 'plex', group: 'plex' } } as const;

/** What to type next to put a restored catalogue in place, as docs/restore-a-backup.md says it at length. */
export function restoreAdvice({ name, into, events }: AdviceOptions): string {
  if (name === 'rewritten') {
    return [
      '',
      'Next: these databases have the paths of the target, so they are for the pod. To have the server there again, "plexlift migrate" is the safe way;',
      '  docs/restore-a-backup.md says what to mind by hand. Its Preferences.xml holds automatic trash emptying and scans for a first start',
      '',
    ].join('\n');
  }
  const { dataDirectory, service } = sourceIn(events);
  const { unit, user, group } = service ?? packaged.service;
  const databases = `"${databasesDirectory}"`;
  const history = historyOf(events);
  return [
    '',
    ...(service !== null && history.wasAttempted('stop-source') ? ['Mind: this run keeps Plex on the source from starting. "plexlift rollback" takes that back, and may be all you need'] : []),
    ...(history.wasAttempted('publish') ? ['Mind: the library of this run was published. Stop the new server for good first: two servers with one identity damage each other\'s watch state'] : []),
    `Next, on the machine that is to get it (where that is another one: scp -rp ${quoteForShell(into)} USER@HOST: first, and use its place there)`,
    '  1. Stop Plex',
    `       sudo systemctl stop ${unit}`,
    '  2. Set aside what is there; never copy over it',
    `       cd ${quoteForShell(dataDirectory)}`,
    `       sudo mv ${databases} "${databasesDirectory}.before-restore"`,
    `       sudo mv ${preferencesFile} ${preferencesFile}.before-restore`,
    '  3. Copy, and give it to the user that Plex runs as',
    `       sudo cp -r ${quoteForShell(`${into}/${databasesDirectory}`)} "Plug-in Support/"`,
    `       sudo cp ${quoteForShell(`${into}/${preferencesFile}`)} .`,
    `       sudo chown -R ${user}:${group} ${databases} ${preferencesFile}`,
    `       sudo chmod 600 ${preferencesFile}`,
    '  4. Start, and look whether it is the server you know',
    `       sudo systemctl start ${unit}`,
    '       curl -s http://127.0.0.1:32400/identity',
    `It holds the token of the server: delete ${into} when you are done. docs/restore-a-backup.md has the reasons for each step`,
    '',
  ].join('\n');
}

function sourceIn(events: readonly RecordedEvent[]): z.infer<typeof inspected>['source'] {
  const recorded = events.findLast((event) => event.type === 'step-finished' && event.step === 'inspect');
  const parsed = recorded?.type === 'step-finished' ? inspected.safeParse(recorded.result) : null;
  // A source that was a directory here has no service; where its data directory lay says nothing about another machine.
  return parsed?.success === true && parsed.data.source.service !== null ? parsed.data.source : { dataDirectory: packaged.dataDirectory, service: null };
}
