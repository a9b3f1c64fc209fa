/** A pair of directories as the person gave it. */
export interface Pair {
  readonly from: string;
  readonly to: string;
}

/** How a predicted column holds its paths. */
export type PredictedForm = 'plain' | 'url';

// Written apart from the list and the functions the rewrite uses, on purpose: a mistake there must not be repeated here.
const predictions: readonly { readonly table: string; readonly column: string; readonly form: PredictedForm }[] = [
  { table: 'section_locations', column: 'root_path', form: 'plain' },
  { table: 'media_parts', column: 'file', form: 'plain' },
  { table: 'media_streams', column: 'url', form: 'url' },
];

/** The columns of `table` in which the pairs may change something; none in databases other than the library and its companion. */
export function predictedColumns(file: string, table: string): readonly { readonly column: string; readonly form: PredictedForm }[] {
  if (!/^com\.plexapp\.plugins\.library(?:\.blobs)?\.db$/.test(file)) return [];
  return predictions.filter((prediction) => prediction.table === table);
}

/** What `value` (bytes, one character each) has to become. */
export function predict(value: string, { pairs, form }: { readonly pairs: readonly Pair[]; readonly form: PredictedForm }): string {
  if (form === 'plain') return moved(value, pairs);
  const path = /^file:\/\/(\/[^]*)$/.exec(value)?.[1];
  if (path === undefined) return value;
  // A space, or a "%" that is neither "%20" nor "%25", tells that nothing in this URL is escaped.
  const escaped = !/ |%(?!20|25)/.test(path);
  const style = (text: string): string => (escaped ? text.replaceAll(/[% ]/g, (character) => (character === ' ' ? '%20' : '%25')) : text);
  return `file://${moved(path, pairs.map(({ from, to }) => ({ from: style(bytes(from)), to: style(bytes(to)) })), true)}`;
}

// Walks up from the whole path to its root and takes the first directory that a pair names: the longest one.
function moved(path: string, pairs: readonly Pair[], areBytes = false): string {
  const targets = new Map(pairs.map(({ from, to }) => (areBytes ? [bare(from), bare(to)] : [bare(bytes(from)), bare(bytes(to))])));
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

function bare(directory: string): string {
  return directory.replace(/\/+$/, '');
}

function bytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
