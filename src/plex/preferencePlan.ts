import { mapPath, replacePrefix, type PathMapping } from './pathMapping.ts';
import { pathsIn } from './pathLooks.ts';
import { readPreferences, type PreferenceEdit, type Preferences } from './preferences.ts';
import { heldPreferences, hostBoundPreferences, identityPreferences, isSecretPreference, pathPreferences, type PathPreferenceRule } from './preferenceRules.ts';

/** A setting held for the first start, and what to put back; `before` is null where it was absent, which means its default. */
export type HeldPreference = {
  readonly name: string;
  readonly before: string | null;
  readonly value: string;
};

/** What was done with a setting, for the report. Values of secret settings are never in `detail`. */
export type PreferenceNote = {
  readonly name: string;
  readonly action: 'mapped' | 'cleared' | 'held' | 'set' | 'left' | 'restored';
  readonly detail: string;
};

/** Everything that a move changes in Preferences.xml. */
export type PreferencePlan = {
  readonly edits: readonly PreferenceEdit[];
  readonly held: readonly HeldPreference[];
  readonly report: readonly PreferenceNote[];
};

/** What planning needs beside the file: `friendlyName` is the server's name as shown now, null where it could not be asked. */
export interface PlanOptions {
  readonly mapping: PathMapping;
  readonly friendlyName: string | null;
}

/** Plans the edits that a move needs; pure, changes nothing. Throws as `readPreferences` does. */
export function planPreferences(bytes: Uint8Array, { mapping, friendlyName }: PlanOptions): PreferencePlan {
  const preferences = readPreferences(bytes);
  const edits = new Map<string, string | null>();
  const report: PreferenceNote[] = [];

  for (const { name, action, why } of hostBoundPreferences) {
    const value = preferences.get(name);
    if (value === null) continue;
    if (value === '') {
      report.push({ name, action: 'left', detail: 'It is empty, so nothing of the old machine is in it' });
    } else if (action === 'clear') {
      edits.set(name, null);
      report.push({ name, action: 'cleared', detail: `was ${shown(name, value)}, taken out, so that the default applies. ${why}` });
    } else {
      report.push({ name, action: 'left', detail: `${shown(name, value)}, left as it is; look at it when the server runs. ${why}` });
    }
  }
  for (const rule of pathPreferences) planPath(rule, { preferences, mapping, edits, report });

  const held = heldPreferences.map(({ name, value }) => ({ name, before: preferences.get(name), value }));
  for (const { name, value, why } of heldPreferences) {
    const before = preferences.get(name);
    edits.set(name, value);
    report.push({ name, action: 'held', detail: `${value} for the first start, was ${before === null ? 'not set' : `"${before}"`}; put back when the move is verified. ${why}` });
  }
  if ((preferences.get('FriendlyName') ?? '') === '' && friendlyName !== null && friendlyName !== '') {
    edits.set('FriendlyName', friendlyName);
    report.push({ name: 'FriendlyName', action: 'set', detail: `"${friendlyName}", so that the server keeps its name: until now that was the name of the machine` });
  }
  report.push(...unknownPaths(preferences, { mapping, known: new Set(edits.keys()) }));

  for (const name of identityPreferences) {
    if (edits.has(name)) throw new Error(`Cannot plan preferences: "${name}" is part of the identity and may not change`);
  }
  return { edits: Array.from(edits, ([name, value]) => ({ name, value })), held, report };
}

/**
 * Plans how held settings go back, given the file as it is now. One that a person changed meanwhile is left; those named in `except`
 * stay held. A held value that equals the default may have been dropped from the file by Plex, so an absent one counts as held.
 */
export function restorePlan(current: Uint8Array, held: readonly HeldPreference[], options: { readonly except?: readonly string[] } = {}): Omit<PreferencePlan, 'held'> {
  const preferences = readPreferences(current);
  const edits: PreferenceEdit[] = [];
  const report: PreferenceNote[] = [];
  for (const { name, before, value } of held) {
    const now = preferences.get(name);
    if (now === before) continue;
    if (options.except?.includes(name) === true) {
      report.push({ name, action: 'left', detail: `Stays "${value}", was ${before === null ? 'not set' : `"${before}"`}` });
    } else if (now !== null && now !== value) {
      report.push({ name, action: 'left', detail: `Was changed to "${now}" since the first start` });
    } else {
      edits.push({ name, value: before });
      report.push({ name, action: 'restored', detail: before === null ? 'Not set, as before' : `"${before}", as before` });
    }
  }
  return { edits, report };
}

interface PathPlanning {
  readonly preferences: Preferences;
  readonly mapping: PathMapping;
  readonly edits: Map<string, string | null>;
  readonly report: PreferenceNote[];
}

function planPath(rule: PathPreferenceRule, { preferences, mapping, edits, report }: PathPlanning): void {
  const { name, separators, unmapped, together = [], why } = rule;
  const value = preferences.get(name);
  if (value === null || value === '') return;
  const paths = separators === undefined ? [value] : value.split(separators);
  let uncovered = 0;
  const mapped = paths.map((path) => {
    // Only what starts at a root is a path; separators and ids of library items pass unchanged.
    const [, lead = '', rest = ''] = /^(\s*)([^]*)$/.exec(path) ?? [];
    if (!/^(?:\/|[A-Za-z]:[\\/]|\\\\)/.test(rest)) return path;
    const target = mapListed(mapping, rest);
    if (target === null) uncovered += 1;
    return target === null ? path : lead + target;
  });
  const result = mapped.join('');
  if (uncovered > 0 && unmapped === 'clear') {
    edits.set(name, null);
    const others = together.filter((other) => preferences.get(other) !== null);
    for (const other of others) {
      edits.set(other, null);
      report.push({ name: other, action: 'cleared', detail: `taken out together with "${name}", without which it means nothing` });
    }
    report.push({ name, action: 'cleared', detail: `was ${shown(name, value)}, taken out, so that the default applies: no mapping has it. ${why}` });
    return;
  }
  if (result !== value) edits.set(name, result);
  const rest = uncovered === 0 ? '' : `; ${uncovered === 1 && paths.length === 1 ? 'no mapping has it' : `no mapping has ${uncovered} of its paths`}, so ${uncovered === 1 ? 'it has' : 'they have'} to exist on the target under the same name`;
  const changed = result === value ? `${shown(name, value)}, left as it is` : `${shown(name, value)} → ${shown(name, result)}`;
  report.push({ name, action: result === value ? 'left' : 'mapped', detail: `${changed}${rest}. ${why}` });
}

/** What the mapping makes of one path of a list, in which a separator inside a name may be written with a backslash. */
function mapListed(mapping: PathMapping, path: string): string | null {
  const bytes = Buffer.from(path, 'utf8');
  const plain = mapPath(mapping, bytes);
  if (plain !== null) return plain.path.toString('utf8');
  if (!/\\[,;]/.test(path)) return null;
  const escaped = (name: string): Buffer => Buffer.from(name.replaceAll(/[,;]/g, String.raw`\$&`), 'utf8');
  for (const { from, to } of mapping.rules) {
    const target = replacePrefix(bytes, escaped(from), escaped(to));
    if (target !== null) return target.toString('utf8');
  }
  return null;
}

/** Settings no rule knows that hold one of the mapped directories, or another path. */
function unknownPaths(preferences: Preferences, { mapping, known }: { readonly mapping: PathMapping; readonly known: ReadonlySet<string> }): PreferenceNote[] {
  const told = new Set([...known, ...pathPreferences.map(({ name }) => name), ...hostBoundPreferences.map(({ name }) => name)]);
  return preferences.names.flatMap((name): PreferenceNote[] => {
    if (told.has(name)) return [];
    const value = preferences.get(name) ?? '';
    if (mapping.rules.some(({ from }) => from !== '/' && value.includes(from))) return [{ name, action: 'left', detail: `${shown(name, value)}, left as it is: a mapped directory is in it, but no rule knows this setting. Look at it when the server runs` }];
    if (pathsIn(Buffer.from(value, 'utf8').toString('latin1'), mapping).length === 0) return [];
    return [{ name, action: 'left', detail: `${shown(name, value)}, left as it is: it looks like a path, which has to exist on the target if it is needed` }];
  });
}

const longestShown = 160;

function shown(name: string, value: string): string {
  if (isSecretPreference(name)) return 'a value';
  // An address may carry a password or a token.
  const safe = value.replaceAll(/\/\/[^/@\s]*@/g, '//…@').replaceAll(/(token=)[^&,;\s]+/gi, '$1…');
  return `"${safe.length > longestShown ? `${safe.slice(0, longestShown)}…` : safe}"`;
}
