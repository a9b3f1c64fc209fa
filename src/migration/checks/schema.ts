import type { DatabaseSchema } from '../../catalogue/schemaMigrations.ts';
import { PlexliftError } from '../../errors.ts';
import { compareVersions, isBelow, parseMinimum, parseVersion, readWitness, type Version } from '../../plex/versions.ts';
import type { Check, Finding } from '../../runner/check.ts';
import type { SourceFacts } from '../../sources/source.ts';
import type { Inspection } from '../steps/inspect.ts';

/** What the checks of the schema look at. */
export interface SchemaContext {
  readonly schemas: readonly DatabaseSchema[];
  readonly source: Pick<SourceFacts, 'name' | 'version' | 'versionFrom' | 'running'>;
  /** The version that will open the databases on the target; null where none is known, or no server runs there. */
  readonly willRun: string | null;
}

/** Puts together what the checks need: the target is pinned to the version of the source wherever that is known. */
export function schemaContext({ source, target }: Inspection, schemas: readonly DatabaseSchema[]): SchemaContext {
  return { schemas, source, willRun: target.version === null ? null : (source.version ?? target.version) };
}

/** Claims about who can open the databases. */
export const schemaChecks: readonly Check<SchemaContext>[] = [
  {
    name: 'schema-opens-on-target',
    claim: 'The server on the target can open the databases as they are',
    // An older server ends with an error, or takes migrations back and loses what they hold.
    acceptable: false,
    run: async (context) => opensOnTarget(context),
  },
  {
    name: 'source-can-return',
    claim: 'The source could open its databases again after it is stopped',
    run: async ({ source }) => canReturn(source),
  },
];

function opensOnTarget({ schemas, source, willRun }: SchemaContext): Finding {
  const bare = schemas.filter(({ migrations }) => migrations === null).map(({ file }) => file);
  if (bare.length > 0) return { status: 'fail', detail: `${bare.map((file) => `"${file}"`).join(' and ')} has no table "schema_migrations"`, remedy: 'No server of Plex made this file. Look whether the data directory is the right one, and restore the database on the source from one of its dated backups' };

  const served = source.version === null ? null : parseVersion(source.version);
  const opens = willRun === null ? served : parseVersion(willRun);
  const newest = newestOf(schemas);
  const facts = factsOf(schemas, newest);
  if (opens === null) return unsure(`which version will open them is not known; ${facts}`);

  const wants = unmetMinimums({ schemas, opens, newest });
  if (wants.length > 0) return { status: 'fail', detail: `${wants.join('; ')}; the server that will open them is ${opens.text}`, remedy: newerServer(source.name) };
  if (served !== null && compareVersions(opens, served) < 0) return { status: 'fail', detail: `${source.name} serves them with ${served.text}, the target would open them with ${opens.text}, which is older`, remedy: newerServer(source.name) };

  const unreadable = schemas.flatMap(({ minimums }) => minimums).filter((minimum) => parseMinimum(minimum).kind === 'unreadable');
  if (unreadable.length > 0) return unsure(`they ask for ${unreadable.map((minimum) => `"${minimum}"`).join(', ')}, which plexlift cannot read; ${facts}`);
  if (newest === null) return unsure('none of them names a migration');
  if (served === null || !source.running || !readWitness(source.versionFrom).byRunningServer) return unsure(`nothing runs on them that could show that ${opens.text} can open them (the version is told by ${source.versionFrom}); no minimum stands against it; ${facts}`);
  if (compareVersions(opens, served) > 0) return { status: 'warn', detail: `${opens.text} is newer than ${served.text}, which serves them now; ${facts}`, remedy: 'The newer server converts them at its first start, which it alone can take back. The source keeps its own' };
  return { status: 'pass', detail: `${source.name} is running ${served.text} on these very databases${willRun === null ? '; no server runs on the target, one that opens them has to be as new' : ', and the target will run the same'}; ${facts}` };
}

/** Throws `refused` where a newer server wrote the databases after they were examined: what was checked then no longer holds. */
export function requireSameSchema(schemas: { readonly examined: readonly DatabaseSchema[]; readonly taken: readonly DatabaseSchema[] }, source: { readonly name: string }): void {
  const [examined, taken] = [newestOf(schemas.examined), newestOf(schemas.taken)];
  const minimums = schemas.taken.flatMap((each) => each.minimums).filter((minimum) => !schemas.examined.some((each) => each.minimums.includes(minimum)));
  if (examined === taken && minimums.length === 0) return;
  throw new PlexliftError('refused', `Cannot go on: the databases of ${source.name} were converted after they were examined`, {
    facts: [`newest migration then: ${examined ?? 'none'}, now: ${taken ?? 'none'}`, ...minimums.map((minimum) => `they now ask for ${minimum}`)],
    remedy: 'Plex was upgraded meanwhile, and the version that the target is pinned to may not open them. Roll back, which starts the source again; then begin a new run, which looks at the new version',
  });
}

function unsure(detail: string): Finding {
  return { status: 'warn', detail: `cannot tell for certain: ${detail}`, remedy: 'If a newer server ever ran on this library, install that version on the source (or name it as "version" under "source") before you go on; while the source is running, it is the proof itself. A server that cannot open them says so at its start, and rollback brings the source back' };
}

function newerServer(source: string): string {
  return `An older server cannot open the databases of a newer one, so this cannot be accepted. Let ${source} run the version that wrote them, which the target will then run too`;
}

/** What the databases ask for that the server is not known to fulfil. */
function unmetMinimums({ schemas, opens, newest }: { readonly schemas: readonly DatabaseSchema[]; readonly opens: Version; readonly newest: string | null }): readonly string[] {
  return schemas.flatMap(({ file, minimums }) =>
    minimums.flatMap((minimum) => {
      const wanted = parseMinimum(minimum);
      if (wanted.kind === 'version' && isBelow(opens, wanted.numbers)) return [`"${file}" wants ${minimum} or later`];
      // Which migrations a server knows is told by nothing but the databases it wrote.
      if (wanted.kind === 'migration' && (newest === null || wanted.stamp > newest)) return [`"${file}" wants a server that knows migration ${minimum}, the newest that any server here made is ${newest ?? 'none'}`];
      return [];
    }),
  );
}

function newestOf(schemas: readonly DatabaseSchema[]): string | null {
  const stamps = schemas.flatMap(({ newest }) => (newest === null ? [] : [newest]));
  return stamps.toSorted((left, right) => left.length - right.length || (left < right ? -1 : 1)).at(-1) ?? null;
}

function factsOf(schemas: readonly DatabaseSchema[], newest: string | null): string {
  const migrations = Math.max(0, ...schemas.map((schema) => schema.migrations ?? 0));
  const reversible = Math.max(0, ...schemas.map((schema) => schema.reversible));
  return `newest migration ${newest ?? 'none'}, ${migrations} in all, ${reversible} of them could be taken back by an older server`;
}

function canReturn({ name, version, versionFrom, running }: SchemaContext['source']): Finding {
  if (!running) return { status: 'skip', reason: `${name} is not running` };
  const witness = readWitness(versionFrom);
  const serves = version === null ? null : parseVersion(version);
  if (serves === null || !witness.byRunningServer) return { status: 'warn', detail: `${name} runs, but did not tell its version (${versionFrom})`, remedy: 'Look on the source whether the running Plex is the installed one: after a stop it is the installed one that starts' };
  const installed = witness.otherPackage === null ? null : parseVersion(witness.otherPackage);
  if (installed === null) return { status: 'pass', detail: `what runs and what is installed are ${serves.text}` };
  const order = compareVersions(installed, serves);
  if (order < 0) return { status: 'fail', detail: `${serves.text} is running, but the package installed meanwhile is ${installed.text}, which is older`, remedy: `Stopped, ${name} would start the older one, which cannot open its databases any more, so rollback could not bring it back. Install ${serves.text} again there, and do not restart Plex before that` };
  return { status: 'warn', detail: `${serves.text} is running, the installed package is ${installed.text}`, remedy: order > 0 ? `Rollback would start the newer one, which converts its databases. Better restart Plex on ${name} first and let it finish its upgrade` : `Both have the same numbers and differ as builds. Restart Plex on ${name} first, so that what runs is what is installed` };
}
