import type { Difference } from '../../catalogue/proof/proof.ts';
import type { SettingsComparison } from '../../catalogue/proof/settingsByHand.ts';
import { preferencesFile } from '../../plex/dataDirectory.ts';
import type { HandProof, Sides } from './handProof.ts';
import type { GivenMapping } from './mappingOptions.ts';

/** What a proof is told with. */
export interface ProofTextOptions {
  readonly sides: Sides;
  readonly given: GivenMapping;
  /** What to do where it is not proven. */
  readonly remedy: string;
}

/** A proof for a person: what was compared, what changed, what is open, and how it ends. */
export function proofText(proof: HandProof, { sides, given, remedy }: ProofTextOptions): string {
  const { report } = proof;
  return [
    'Compared, cell by cell; neither was changed',
    `  OLD      ${sides.old.path}`,
    `  NEW      ${sides.made.path}`,
    ...given.pairs.map(({ from, to }, place) => `  ${place === 0 ? 'mapping ' : '        '} ${from} becomes ${to}`),
    `           file:// identifiers are ${given.fileGuids === 'rewrite' ? 'mapped as well' : 'left as they are'}`,
    `  ${counted(proof.databases, 'database')}, ${counted(report.tablesCompared, 'table')}, ${counted(report.rowsCompared, 'row')}, ${counted(report.indexesCompared, 'index', 'indexes')}, and every schema`,
    '',
    'Changed as the mapping predicts',
    ...(report.cellsChanged.length === 0 ? ['  nothing'] : report.cellsChanged.map(({ file, table, column, cells }) => `  ${counted(cells, 'cell')} of ${table}.${column}${proof.databases > 1 ? ` in ${file}` : ''}`)),
    ...rootLines(proof.roots),
    ...settingsLines(proof.settings),
    '',
    'Not proven',
    ...openQuestions(proof).map((sentence) => `  ${sentence}`),
    '',
    ...ending(proof, { given, remedy }),
    '',
  ].map(printable).join('\n');
}

/** A number with its noun, e.g. `12,345 rows`. */
export function counted(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en-GB')} ${number === 1 ? one : many}`;
}

function rootLines(roots: HandProof['roots']): readonly string[] {
  const left = roots.filter(({ rule }) => rule === null).map(({ library, path }) => `  ${path} of the library "${library}"`);
  return left.length === 0 ? [] : ['', 'Directories of libraries that no rule covers, and that are left', ...left];
}

function settingsLines(settings: SettingsComparison | null): readonly string[] {
  if (settings === null) return [];
  return [
    '',
    `Settings (${preferencesFile}); there is no plan of edits to hold them against, so`,
    `  the identity of the server must be equal, and is${settings.differences.some((kind) => kind.includes('identity')) ? ' NOT' : ''}`,
    `  ${counted(settings.equal, 'setting')} are equal`,
    ...(settings.mapped.length === 0 ? [] : [`  their path changed as the mapping predicts: ${settings.mapped.join(', ')}`]),
    ...(settings.changed.length === 0 ? [] : [`  changed, for you to judge (values are not shown): ${settings.changed.map(({ name, how }) => (how === 'changed' ? name : `${name} (${how})`)).join(', ')}`]),
  ];
}

/** What a proof leaves open, in sentences without a full stop at the end. */
export function openQuestions({ report, notCompared }: HandProof): readonly string[] {
  return [
    ...new Set(report.notProven),
    ...notCompared,
    'that OLD itself is sound: the two are compared with each other',
    'that the media files are there, under their new paths',
  ];
}

function ending(proof: HandProof, { given, remedy }: Pick<ProofTextOptions, 'given' | 'remedy'>): readonly string[] {
  const { report } = proof;
  const changed = report.cellsChanged.reduce((sum, { cells }) => sum + cells, 0);
  if (proof.ok && changed === 0) return ['Proven, but there was nothing to prove: NEW equals OLD, and OLD holds no path that the mapping changes', '  Is this the right mapping, and are these the right files?'];
  if (proof.ok) {
    const left = proof.roots.filter(({ rule }) => rule === null).length;
    return [
      `Proven: NEW is OLD with ${counted(changed, 'cell')} changed, each as the mapping predicts; everything else that was compared is equal`,
      ...(left === 0 ? [] : [`  Mind the ${counted(left, 'directory of a library', 'directories of libraries')} that no rule covers, named above: where such a directory is not there, the library will be empty`]),
    ];
  }
  const rest = report.differenceCount - report.differences.length;
  return [
    `NOT proven: ${counted(report.differenceCount, 'difference')}${rest > 0 ? `; the first ${report.differences.length}` : ''}`,
    ...report.differences.map((difference) => `  ${differenceText(difference)}`),
    ...(rest > 0 ? [`  and ${rest.toLocaleString('en-GB')} more`] : []),
    ...hints(proof, given).map((hint) => `  ${hint}`),
    `  ${remedy}`,
  ];
}

/** A difference as one line: file, table, column, row, and what is wrong. */
export function differenceText({ file, table, column, rowid, kind }: Difference): string {
  const place = [file, table === null ? null : `table ${table}`, column === null ? null : `column ${column}`, rowid === null ? null : `row ${rowid}`];
  return `${place.filter((part) => part !== null).join(', ')}: ${kind}`;
}

const guidColumns: readonly (string | null)[] = ['guid', 'grandparent_guid'];
const pathColumnsOf: readonly (string | null)[] = ['root_path', 'file', 'url'];

/** What may have happened, where the differences have a pattern. */
function hints({ report, isSwapped }: HandProof, given: GivenMapping): readonly string[] {
  if (isSwapped) return ['The other way round it is proven: did you exchange OLD and NEW? OLD is what it was before, NEW what it is now'];
  const cells = report.differences.filter(({ table }) => table !== null);
  const isGuid = ({ column }: Difference): boolean => guidColumns.includes(column);
  const isPath = ({ column }: Difference): boolean => pathColumnsOf.includes(column);
  return [
    ...(report.cellsChanged.length === 0 && cells.length > 0 && cells.every(isPath) ? ['Not one path changed as the mapping predicts: is NEW the rewritten one, and is the mapping the one it was rewritten with?'] : []),
    ...(given.fileGuids === 'leave' && cells.some(isGuid) ? ['Identifiers were changed. If you mapped file:// identifiers on purpose, say so: --file-guids'] : []),
    ...(cells.some((cell) => !isGuid(cell) && !isPath(cell)) ? ['More than paths differs. Was a server started on one of the two since? Compare them as they were before that'] : []),
  ];
}

// A name in a damaged file may hold anything, also what a terminal obeys.
function printable(line: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return line.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '\uFFFD');
}
