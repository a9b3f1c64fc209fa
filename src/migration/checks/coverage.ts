import type { Coverage } from '../../catalogue/coverage.ts';
import type { Check } from '../../runner/check.ts';

/** Claims about what the path mapping reaches in the library. */
export const coverageChecks: readonly Check<Coverage>[] = [
  {
    name: 'mapping-covers-libraries',
    claim: 'Every directory of every library is covered by a path mapping',
    async run({ roots }) {
      const bare = roots.filter((root) => root.rule === null);
      if (bare.length === 0) return { status: 'pass', detail: `${roots.length} directories` };
      return { status: 'fail', detail: bare.map((root) => `"${root.path}" of library "${root.library}"`).join(', '), remedy: 'Add a mapping for each to "paths" in the configuration; without one the library would be empty on the target' };
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
      const bare = columns.filter(({ action }) => action === 'rewrite').flatMap(({ table, column, uncovered }) => uncovered.map(({ prefix, rows }) => `${rows} in ${table}.${column} below "${prefix}"`));
      if (bare.length === 0) return { status: 'pass', detail: 'all of them' };
      return { status: 'warn', detail: bare.slice(0, 10).join('; '), remedy: 'They stay as they are; add a mapping if they are needed' };
    },
  },
  {
    name: 'mapping-is-used',
    claim: 'Every path mapping has something to do',
    async run({ columns }) {
      const rows = new Map<string, number>();
      for (const { action, byRule } of columns) if (action === 'rewrite') for (const rule of byRule) rows.set(rule.from, (rows.get(rule.from) ?? 0) + rule.rows);
      const idle = [...rows].filter(([, used]) => used === 0).map(([from]) => from);
      if (idle.length === 0) return { status: 'pass', detail: [...rows].map(([from, used]) => `${from}: ${used}`).join(', ') };
      return { status: 'warn', detail: `nothing lies below ${idle.map((from) => `"${from}"`).join(', ')}`, remedy: 'Check the spelling of "from"' };
    },
  },
  {
    name: 'file-guids',
    claim: 'No identifier holds a path',
    async run({ columns }) {
      const rows = columns.filter(({ action }) => action === 'report').flatMap(({ table, column, byRule }) => byRule.filter((rule) => rule.rows > 0).map((rule) => `${rule.rows} in ${table}.${column} below "${rule.from}"`));
      if (rows.length === 0) return { status: 'pass', detail: 'none does' };
      return { status: 'warn', detail: `"file://" identifiers: ${rows.join(', ')}`, remedy: 'They are left as they are, which keeps watch state and artwork tied together; Plex may give the extras concerned a new identifier at a later scan' };
    },
  },
  {
    name: 'unknown-paths',
    claim: 'No other column holds a mapped path',
    async run({ unknownPaths }) {
      if (unknownPaths.length === 0) return { status: 'pass', detail: 'every text column was looked at' };
      return { status: 'warn', detail: unknownPaths.map(({ file, table, column, rows }) => `${rows} in ${file}, ${table}.${column}`).join('; '), remedy: 'They are left as they are; the report shows examples' };
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
