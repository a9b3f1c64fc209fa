import { identityPreferences, isSecretPreference, pathPreferences } from '../../plex/preferenceRules.ts';
import { readPreferences } from '../../plex/preferences.ts';
import { createPrediction, type Pair } from './prediction.ts';

/** What became of the settings of a server whose paths somebody rewrote by hand. Names only: a value may be a secret. */
export interface SettingsComparison {
  /** Settings that are the same in both. */
  readonly equal: number;
  /** Settings that hold what the mapping predicts of their path. */
  readonly mapped: readonly string[];
  /** Settings that changed in a way nothing predicts; for the person to judge. */
  readonly changed: readonly { readonly name: string; readonly how: 'changed' | 'added' | 'removed' }[];
  /** What cannot be right: another identity, a path that is neither mapped nor removed. */
  readonly differences: readonly string[];
}

/** Compares two Preferences.xml without a plan of edits: identity must be equal, paths as the mapping predicts, the rest is told. Throws as `readPreferences` does. */
export function compareSettings(before: Uint8Array, after: Uint8Array, { pairs }: { readonly pairs: readonly Pair[] }): SettingsComparison {
  const [old, made] = [readPreferences(before), readPreferences(after)];
  const predict = createPrediction(pairs);
  const mapped: string[] = [];
  const changed: SettingsComparison['changed'][number][] = [];
  const differences: string[] = [];
  let equal = 0;
  for (const name of new Set([...old.names, ...made.names])) {
    const [was, is] = [old.get(name), made.get(name)];
    const expected = was === null ? null : predictedSetting(name, was, predict);
    if (is === was) {
      if (expected === was) equal += 1;
      else differences.push(`the setting "${name}" holds a path that the mapping changes, and did not change`);
    } else if (identityPreferences.includes(name)) {
      differences.push(`the setting "${name}" is part of the identity of the server, and ${is === null ? 'is gone' : was === null ? 'was added' : 'changed'}`);
    } else if (expected !== was && is === expected) {
      mapped.push(name);
    } else if (expected !== was && is !== null) {
      differences.push(`the setting "${name}" holds another path than the mapping predicts`);
    } else {
      changed.push({ name, how: is === null ? 'removed' : was === null ? 'added' : 'changed' });
    }
  }
  return { equal, mapped, changed, differences };
}

/** What a setting has to become: its paths mapped one by one where it is known to hold any, else itself. */
function predictedSetting(name: string, value: string, predict: ReturnType<typeof createPrediction>): string {
  const rule = pathPreferences.find((candidate) => candidate.name === name);
  if (rule === undefined || isSecretPreference(name)) return value;
  const paths = rule.separators === undefined ? [value] : value.split(rule.separators);
  return paths
    .map((path) => {
      const lead = /^\s*/.exec(path)?.[0] ?? '';
      const moved = predict(Buffer.from(path.slice(lead.length), 'utf8').toString('latin1'), 'plain');
      return lead + Buffer.from(moved, 'latin1').toString('utf8');
    })
    .join('');
}
