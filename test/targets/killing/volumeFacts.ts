import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KilledVerb } from './killedVerbs.ts';
import { asidePlace, bystanders, landingPlace, makeLibrary, run } from './volumeAt.ts';
import { keyOf, lastingPartOf, partOf, treeOf } from './volumeTree.ts';
import type { VolumeTree } from './volumeTree.ts';

/** What a volume says about itself, as whoever has to repair it would read it. */
export interface VolumeFacts {
  /** `none` where there is no state; null where it is not whole. */
  readonly phase: string | null;
  readonly agreement: string;
  readonly held: boolean;
  readonly of: string;
  /** The name that a withdrawn library gets. */
  readonly withdrawn: string;
  /** The mark of the library under each name; null where what lies there is no whole library. */
  readonly libraries: ReadonlyMap<string, string | null>;
}

const marks = ['old', 'new', 'earlier', 'rest', 'bystander'];
const wholeLibraries = new Map(marks.map((mark) => [keyOf(libraryOf(mark)), mark]));
const preferences = 'Application Support/Plex Media Server/Preferences.xml';
const stateForm = /^file 100644 "protocol 1\\nphase (\S+)\\nrun (\S+)\\nagreement (\S+)\\nheld (\S+)\\nwithdrawn (\S+)\\nend\\n"$/;

/** Reads a volume. */
export function factsOf(tree: VolumeTree, { changesPreferences = false }: Pick<KilledVerb, 'changesPreferences'>): VolumeFacts {
  const written = tree.get('.plexlift/state');
  const [, phase = null, of = '-', agreement = 'none', held = 'no', withdrawn = '-'] = stateForm.exec(written?.replace(/ at \d+$/, '') ?? '') ?? [];
  const places = [...tree.keys()].filter((path) => /^(?:\.plexlift\/[^/]+\/)?Library[^/]*$/.test(path));
  const markAt = (place: string): string | null => {
    const library = new Map(partOf(tree, place));
    if (changesPreferences && /"(?:<Preferences\/>|new Preferences\.xml)"/.test(library.get(preferences) ?? '')) {
      library.delete(`${preferences}.plexlift`);
      library.set(preferences, libraryOf('new').get(preferences) ?? '');
    }
    if (![...library.values()].some((what) => what.startsWith('file'))) return 'empty';
    return wholeLibraries.get(keyOf(library)) ?? null;
  };
  return { phase: written === undefined ? 'none' : phase, of, agreement, held: held === 'yes', withdrawn, libraries: new Map(places.map((place) => [place, markAt(place)])) };
}

/** What is wrong with a volume on which a verb was killed. Nothing, if every library is whole, and is what the phase says. */
export function faultsOfKilled(now: VolumeFacts, { before, verb }: { readonly before: VolumeFacts; readonly verb: KilledVerb }): readonly string[] {
  const counted = (facts: VolumeFacts): readonly string[] => [...facts.libraries].filter(([place, mark]) => place !== landingPlace || (mark !== 'empty' && verb.changesLanding !== true)).map(([place, mark]) => mark ?? `half a library at "${place}"`).sort();
  const faults: string[] = [];
  if (counted(now).join() !== counted(before).join()) faults.push(`it has ${counted(now).join(', ')}; before it had ${counted(before).join(', ')}`);
  for (const place of bystanders) if (now.libraries.get(place) !== 'bystander') faults.push(`"${place}" was touched`);
  const library = now.libraries.get('Library');
  const wanted: Readonly<Record<string, readonly (string | null | undefined)[]>> = {
    none: [before.libraries.get('Library')],
    landing: [before.libraries.get('Library')],
    publishing: [undefined, 'old', 'new'],
    published: ['new', before.phase === 'published' ? before.libraries.get('Library') : 'new'],
    finished: [before.libraries.get('Library')],
    withdrawing: [undefined, 'old', 'new'],
    withdrawn: [undefined, 'old'],
    'unheard-of': [before.libraries.get('Library')],
  };
  if (now.phase === null) {
    if (before.phase !== null) faults.push('its state is torn');
    if (library !== before.libraries.get('Library')) faults.push(`its library is ${library ?? 'gone'}`);
  } else if (wanted[now.phase]?.includes(library) !== true) faults.push(`at phase ${now.phase} its library is ${library ?? 'gone'}`);
  return faults;
}

/** Whether the gate has to open on a volume as it left it, and whether it may. */
export function mayStart(after: VolumeFacts, tree: VolumeTree): boolean {
  if (after.of !== run || after.held || after.libraries.get('Library') !== 'new') return false;
  return after.phase === 'finished' || (after.phase === 'published' && tree.has('.plexlift/sentinels') && tree.has('media/film'));
}

/** A volume as far as the gate decides on it at its start: nothing that is within the landing area counts unless it is about to be renamed. */
export function decisionKeyOf(tree: VolumeTree, { phase }: VolumeFacts): string {
  const counts = (path: string): boolean => phase === 'publishing' || !path.startsWith(`${landingPlace}/`);
  return keyOf(new Map([...lastingPartOf(tree)].filter(([path]) => counts(path) && !/^\.plexlift\/(?:journal|[^/]+\/receipts)/.test(path))));
}

/** The combination of names that the gate's tables decide on. */
export function combinationOf({ phase, agreement, withdrawn, libraries }: VolumeFacts): string {
  const places = phase === 'withdrawing' ? ['Library', withdrawn, asidePlace] : [landingPlace, 'Library', asidePlace];
  return `${phase ?? 'torn'} ${agreement} ${places.map((place) => (libraries.has(place) ? '1' : '0')).join('')}`;
}

function libraryOf(mark: string): VolumeTree {
  const place = mkdtempSync(join(tmpdir(), 'plexlift-library-'));
  makeLibrary(place, mark);
  const tree = treeOf(place);
  rmSync(place, { recursive: true });
  return tree;
}
