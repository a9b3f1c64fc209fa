import type { PreferenceEdit } from '../plex/preferences.ts';

/** Everything in which `after` is not `before` with exactly the planned edits made; sentences that hold no value of any setting. */
export function comparePreferences(before: Uint8Array, { after, edits }: { readonly after: Uint8Array; readonly edits: readonly PreferenceEdit[] }): readonly string[] {
  const [old, made] = [pieces(before), pieces(after)];
  const planned = new Map(edits.map(({ name, value }) => [name, value]));
  const differences: string[] = [];
  for (const [name, raw] of old.settings) {
    const now = made.settings.get(name);
    const plan = planned.get(name);
    if (plan === undefined && now !== raw) differences.push(now === undefined ? `the setting "${name}" is gone` : `the setting "${name}" may not change and did`);
    if (plan === null && now !== undefined) differences.push(`the setting "${name}" should be gone`);
  }
  for (const name of made.settings.keys()) if (!old.settings.has(name) && !planned.has(name)) differences.push(`the setting "${name}" was added`);
  for (const [name, value] of planned) {
    const raw = made.settings.get(name);
    if (value !== null && (raw === undefined || plain(raw.slice(1, -1)) !== value)) differences.push(`the setting "${name}" does not hold what was planned`);
  }
  const orderBefore = old.order.filter((name) => made.settings.has(name));
  const kept = made.order.filter((name) => old.settings.has(name));
  if (orderBefore.join() !== kept.join()) differences.push('the settings are in another order');
  if (old.frame !== made.frame) differences.push('bytes outside the settings changed');
  // The white space before each setting that stays is part of the bytes that may not change.
  for (const name of kept) if (old.gaps.get(name) !== made.gaps.get(name)) differences.push(`the white space before "${name}" changed`);
  return differences;
}

interface Pieces {
  readonly settings: ReadonlyMap<string, string>;
  readonly gaps: ReadonlyMap<string, string>;
  readonly order: readonly string[];
  readonly frame: string;
}

// Character by character, unlike the expression the edits are made with.
function pieces(file: Uint8Array): Pieces {
  const text = Buffer.from(file.buffer, file.byteOffset, file.byteLength).toString('latin1');
  const settings = new Map<string, string>();
  const gaps = new Map<string, string>();
  let frame = '';
  let at = text.lastIndexOf('<Preferences') + '<Preferences'.length;
  frame += text.slice(0, at);
  for (;;) {
    const gapStart = at;
    while (' \t\r\n'.includes(text.charAt(at)) && at < text.length) at += 1;
    const gap = text.slice(gapStart, at);
    const equals = text.indexOf('=', at);
    if (at >= text.length || '/>'.includes(text.charAt(at)) || equals === -1) return { settings, gaps, order: [...settings.keys()], frame: frame + gap + text.slice(at) };
    const name = text.slice(at, equals).trim();
    const quoteAt = Math.min(...['"', "'"].map((quote) => text.indexOf(quote, equals)).filter((place) => place !== -1));
    const end = text.indexOf(text.charAt(quoteAt), quoteAt + 1);
    if (!Number.isFinite(quoteAt) || end === -1) return { settings, gaps, order: [...settings.keys()], frame: frame + text.slice(gapStart) };
    settings.set(name, text.slice(quoteAt, end + 1));
    gaps.set(name, gap);
    at = end + 1;
  }
}

function plain(raw: string): string {
  const text = Buffer.from(raw, 'latin1').toString('utf8');
  const named = new Map([['lt', '<'], ['gt', '>'], ['quot', '"'], ['apos', "'"], ['amp', '&'], ['#10', '\n'], ['#13', '\r'], ['#9', '\t']]);
  return text.replaceAll(/&([^;]+);/g, (whole, code: string) => named.get(code) ?? whole);
}
