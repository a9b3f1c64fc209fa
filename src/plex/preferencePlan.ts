import { mapPath, type PathMapping } from './pathMapping.ts';
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
    if (value === null || value === '') continue;
    if (action === 'clear') edits.set(name, null);
    report.push({ name, action: action === 'clear' ? 'cleared' : 'left', detail: `${shown(name, value)}: ${why}` });
  }
  for (const rule of pathPreferences) planPath(rule, { preferences, mapping, edits, report });

  const held = heldPreferences.map(({ name, value }) => ({ name, before: preferences.get(name), value }));
  for (const { name, before, value } of held) {
    edits.set(name, value);
    report.push({ name, action: 'held', detail: `${value} for the first start, was ${before === null ? 'not set' : `"${before}"`}` });
  }
  if ((preferences.get('FriendlyName') ?? '') === '' && friendlyName !== null && friendlyName !== '') {
    edits.set('FriendlyName', friendlyName);
    report.push({ name: 'FriendlyName', action: 'set', detail: `"${friendlyName}": it was implied by the host name, which changes` });
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
    // Only what starts at the root is a path; separators and ids of library items pass unchanged.
    if (!path.trimStart().startsWith('/')) return path;
    const lead = path.slice(0, path.length - path.trimStart().length);
    const target = mapPath(mapping, Buffer.from(path.trimStart(), 'utf8'));
    if (target === null) uncovered += 1;
    return target === null ? path : lead + target.path.toString('utf8');
  });
  const result = mapped.join('');
  if (uncovered > 0 && unmapped === 'clear') {
    edits.set(name, null);
    for (const other of together) if (preferences.get(other) !== null) edits.set(other, null);
    const also = together.length === 0 ? '' : `, with ${together.map((other) => `"${other}"`).join(' and ')}`;
    report.push({ name, action: 'cleared', detail: `${shown(name, value)}${also}: ${why}, and no rule covers it` });
    return;
  }
  if (result !== value) edits.set(name, result);
  const rest = uncovered === 0 ? '' : `; ${uncovered} of its paths ${uncovered === 1 ? 'is' : 'are'} covered by no rule and left`;
  const changed = result === value ? shown(name, value) : `${shown(name, value)} → ${shown(name, result)}`;
  report.push({ name, action: result === value ? 'left' : 'mapped', detail: `${changed}: ${why}${rest}` });
}

/** Settings no rule knows that hold one of the mapped directories, or look like a path. */
function unknownPaths(preferences: Preferences, { mapping, known }: { readonly mapping: PathMapping; readonly known: ReadonlySet<string> }): PreferenceNote[] {
  const told = new Set([...known, ...pathPreferences.map(({ name }) => name), ...hostBoundPreferences.map(({ name }) => name)]);
  return preferences.names.flatMap((name): PreferenceNote[] => {
    const value = preferences.get(name) ?? '';
    const holds = mapping.rules.some(({ from }) => from !== '/' && value.includes(from));
    if (told.has(name) || isSecretPreference(name) || (!holds && !/^\/[^/]+\//.test(value))) return [];
    return [{ name, action: 'left', detail: `${shown(name, value)}: looks like a path, and no rule knows this setting` }];
  });
}

const longestShown = 160;

function shown(name: string, value: string): string {
  if (isSecretPreference(name)) return 'a value';
  // An address may carry a password or a token.
  const safe = value.replaceAll(/\/\/[^/@\s]*@/g, '//…@').replaceAll(/(token=)[^&,;\s]+/gi, '$1…');
  return `"${safe.length > longestShown ? `${safe.slice(0, longestShown)}…` : safe}"`;
}
