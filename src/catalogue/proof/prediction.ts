/** A pair of directories as the person gave it. */
export interface Pair {
  readonly from: string;
  readonly to: string;
}

/** What a change of paths was to do. */
export interface Expected {
  readonly pairs: readonly Pair[];
  /** Whether `file://` identifiers were to be mapped like the paths they hold. */
  readonly fileGuids: 'leave' | 'rewrite';
}

/** How a predicted column holds its paths. */
export type PredictedForm = 'plain' | 'url';

/** A column in which the pairs may change something. */
export interface PredictedColumn {
  readonly column: string;
  readonly form: PredictedForm;
}

// Written apart from the list and the functions the rewrite uses, on purpose: a mistake there must not be repeated here.
const predictions: readonly (PredictedColumn & { readonly table: string; readonly isGuid: boolean })[] = [
  { table: 'section_locations', column: 'root_path', form: 'plain', isGuid: false },
  { table: 'media_parts', column: 'file', form: 'plain', isGuid: false },
  { table: 'media_streams', column: 'url', form: 'url', isGuid: false },
  { table: 'metadata_items', column: 'guid', form: 'url', isGuid: true },
  { table: 'metadata_item_settings', column: 'guid', form: 'url', isGuid: true },
  { table: 'metadata_item_views', column: 'guid', form: 'url', isGuid: true },
  { table: 'metadata_item_views', column: 'grandparent_guid', form: 'url', isGuid: true },
  { table: 'media_metadata_mappings', column: 'media_guid', form: 'url', isGuid: true },
  { table: 'media_metadata_mappings', column: 'metadata_guid', form: 'url', isGuid: true },
];

/** The columns of `table` in which the pairs may change something. */
export function predictedColumns(table: string, fileGuids: Expected['fileGuids']): readonly PredictedColumn[] {
  return predictions.filter((prediction) => prediction.table === table && (fileGuids === 'rewrite' || !prediction.isGuid)).map(({ column, form }) => ({ column, form }));
}

/** An SQL condition that is true of every text `cell` the pairs may change, and of few others: whatever begins as a path does. */
export function mayChange(cell: string, form: PredictedForm): string {
  // "0" is what follows "/".
  return form === 'plain' ? `${cell} COLLATE BINARY >= '/' AND ${cell} COLLATE BINARY < '0'` : `${cell} COLLATE BINARY >= 'file:///' AND ${cell} COLLATE BINARY < 'file://0'`;
}

/** Makes the function that tells what a value (bytes, one character each) has to become. */
export function createPrediction(pairs: readonly Pair[]): (value: string, form: PredictedForm) => string {
  const plain = new Map(pairs.map(({ from, to }) => [bare(bytes(from)), bare(bytes(to))]));
  const escaped = new Map(Array.from(plain, ([from, to]) => [percent(from), percent(to)]));
  return (value, form) => {
    if (form === 'plain') return moved(value, plain);
    if (!value.startsWith('file:///')) return value;
    const path = value.slice('file://'.length);
    // A space, or a "%" that is neither "%20" nor "%25", tells that nothing in this URL is escaped.
    return `file://${moved(path, / |%(?!20|25)/.test(path) ? plain : escaped)}`;
  };
}

// Walks up from the whole path to its root and takes the first directory that a pair names: the longest one.
function moved(path: string, targets: ReadonlyMap<string, string>): string {
  for (let end = path.length; end >= 0; end = end === 0 ? -1 : Math.max(path.lastIndexOf('/', end - 1), 0)) {
    const target = targets.get(path.slice(0, end));
    const rest = path.slice(end);
    if (target !== undefined && (rest === '' || rest.startsWith('/'))) return ends(target, rest, path);
  }
  return path;
}

function ends(target: string, rest: string, path: string): string {
  if (path === '/') return target === '' ? '/' : target;
  return target + rest === '' ? '/' : target + rest;
}

function percent(text: string): string {
  return text.replaceAll(/[% ]/g, (character) => (character === ' ' ? '%20' : '%25'));
}

function bare(directory: string): string {
  return directory.replace(/\/+$/, '');
}

function bytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
