import type { Coverage } from '../../catalogue/coverage.ts';
import type { Check } from '../../runner/check.ts';

/** Claims about what the path mapping reaches in the library. */
export const coverageChecks: readonly Check<Coverage>[] = [
  {
    name: 'mapping-covers-libraries',
    claim: 'Every directory of every library is covered by a path mapping',
    async run({ roots, columns }) {
      const bare = roots.filter((root) => root.rule === null);
      if (bare.length === 0) return { status: 'pass', detail: `${roots.length} directories` };
      const rules = columns.find(({ table }) => table === 'section_locations')?.byRule.map(({ from }) => from) ?? [];
      const named = bare.map(({ path, library }) => {
        const like = rules.find((from) => path.startsWith(from));
        return `"${path}" of library "${library}"${like === undefined ? '' : ` (which is not below "${like}")`}`;
      });
      const foreign = bare.filter(({ path }) => !path.startsWith('/'));
      const hint = foreign.length === 0 ? '' : `. No mapping can have ${foreign.map(({ path }) => `"${path}"`).join(', ')}, which is no path of a Linux machine: give the library its directory anew in Plex on the source, or remove it there`;
      return { status: 'fail', detail: named.join(', '), remedy: `Add a mapping for each to "paths" in the configuration; without one the library would be empty on the target${hint}` };
    },
  },
  {
    name: 'mapping-keeps-apart',
    claim: 'No two directories of libraries become the same',
    async run({ sharedTargets }) {
      if (sharedTargets.length === 0) return { status: 'pass', detail: 'all stay apart' };
      return { status: 'fail', detail: sharedTargets.map((target) => `"${target}"`).join(', '), remedy: 'Map them to different places: Plex could not tell their files apart' };
    },
  },
  {
    name: 'mapping-covers-files',
    claim: 'Every media file and sidecar is covered by a path mapping',
    async run({ columns }) {
      const bare = columns.filter(({ rewritten }) => rewritten).flatMap(({ table, column, uncovered }) => uncovered.map(({ prefix, rows }) => `${rows} in ${table}.${column} below "${prefix}"`));
      if (bare.length === 0) return { status: 'pass', detail: 'all of them' };
      return { status: 'warn', detail: firstOf(bare), remedy: 'They stay as they are; add a mapping if they are needed' };
    },
  },
  {
    name: 'mapping-is-used',
    claim: 'Every path mapping has something to do',
    async run({ columns }) {
      const rows = new Map<string, number>();
      for (const { rewritten, byRule } of columns) if (rewritten) for (const rule of byRule) rows.set(rule.from, (rows.get(rule.from) ?? 0) + rule.rows);
      const idle = [...rows].filter(([, used]) => used === 0).map(([from]) => from);
      if (idle.length === 0) return { status: 'pass', detail: [...rows].map(([from, used]) => `${from}: ${used}`).join(', ') };
      return { status: 'warn', detail: `nothing lies below ${idle.map((from) => `"${from}"`).join(', ')}`, remedy: 'Check the spelling of "from"' };
    },
  },
  {
    name: 'mapping-is-reversible',
    claim: 'The mapping could be taken back: every path would become again what it was',
    async run({ columns }) {
      const lost = columns.filter(({ irreversible }) => irreversible > 0).map(({ table, column, irreversible }) => `${irreversible} in ${table}.${column}`);
      if (lost.length === 0) return { status: 'pass', detail: 'all of them would' };
      return {
        status: 'warn',
        detail: `not these: ${lost.join(', ')}`,
        remedy: 'Two places become one, or something lies already where a mapping leads. That is no harm if you mean it, and rollback does not depend on it: the source keeps its own database. Only turning the rewritten database back by the mapping alone would not give these paths back',
      };
    },
  },
  {
    name: 'file-guids',
    claim: 'No identifier holds a path that would stay behind',
    async run({ columns }) {
      const held = columns.filter(({ column }) => guidColumns.has(column)).flatMap(({ table, column, rewritten, byRule }) => byRule.filter(({ rows }) => rows > 0).map(({ from, rows }) => ({ rewritten, text: `${rows} in ${table}.${column} below "${from}"` })));
      if (held.length === 0) return { status: 'pass', detail: 'none holds a mapped path' };
      const rows = held.map(({ text }) => text).join(', ');
      if (held.every(({ rewritten }) => rewritten)) return { status: 'pass', detail: `"file://" identifiers are mapped, in every table that is joined by them: ${rows}` };
      return { status: 'warn', detail: `"file://" identifiers: ${rows}`, remedy: 'They are left as they are, which keeps watch state and artwork tied together; Plex may give the extras concerned a new identifier at a later scan' };
    },
  },
  {
    name: 'unknown-paths',
    claim: 'No other column holds a mapped path',
    async run({ unknownPaths }) {
      if (unknownPaths.length === 0) return { status: 'pass', detail: 'every text column was looked at' };
      return { status: 'warn', detail: firstOf(unknownPaths.map(({ file, table, column, rows }) => `${rows} in ${file}, ${table}.${column}`)), remedy: 'They are left as they are; the report shows examples' };
    },
  },
  {
    name: 'other-paths',
    claim: 'No other column holds a path that no mapping has',
    async run({ otherPaths }) {
      if (otherPaths.length === 0) return { status: 'pass', detail: 'every text column was looked at' };
      const places = otherPaths.map(({ file, table, column, rows, groups }) => `${rows} in ${file}, ${table}.${column} (${groups.slice(0, 3).map(({ top }) => `"${top}"`).join(', ')}${groups.length > 3 ? ', …' : ''})`);
      return { status: 'warn', detail: firstOf(places), remedy: 'They are not mapped and are left as they are. Look whether one of them matters, such as a script that recordings are handed to: what it names has to exist on the target too. The report shows examples' };
    },
  },
  {
    name: 'agents-built-in',
    claim: 'Every library uses an agent that comes with Plex',
    async run({ foreignAgents, foreignPlugIns }) {
      if (foreignAgents.length === 0 && foreignPlugIns.length === 0) return { status: 'pass', detail: 'all do' };
      const parts = [...foreignAgents.map(({ library, agent }) => `library "${library}" uses ${agent}`), ...foreignPlugIns.map((plugIn) => `plug-in ${plugIn}`)];
      return { status: 'warn', detail: parts.join('; '), remedy: 'Their files are copied; what they need beside them (programs, keys) has to be installed on the target by you' };
    },
  },
];

const guidColumns: ReadonlySet<string> = new Set(['guid', 'grandparent_guid']);
const placesTold = 10;

function firstOf(places: readonly string[]): string {
  const rest = places.length - placesTold;
  return places.slice(0, placesTold).join('; ') + (rest > 0 ? `; and ${rest} more places` : '');
}
