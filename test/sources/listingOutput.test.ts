import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { pagesOf } from '../../src/sources/listingOutput.ts';
import { cases, seed } from '../long.ts';
import { record } from './printedRecord.ts';

/** A directory with what is in it, as find prints it; those named like bundles begin pages. */
interface Directory {
  readonly name: string;
  readonly files: readonly string[];
  readonly directories: readonly Directory[];
}

function printed({ name, files, directories }: Directory, above: readonly string[]): string {
  const path = [...above, name];
  const page = name.endsWith('.bundle') ? `\0\0${path.join('/')}\0` : '';
  return `${page}${record('d', path.length, name)}${files.map((file) => record(file.startsWith('l') ? 'l' : 'f', path.length + 1, file)).join('')}${directories.map((inside) => printed(inside, path)).join('')}`;
}

function pathsOf({ name, files, directories }: Directory, above: readonly string[]): readonly string[] {
  const path = [...above, name];
  return [path.join('/'), ...files.map((file) => [...path, file].join('/')), ...directories.flatMap((inside) => pathsOf(inside, path))];
}

const names = fc.constantFrom('a', 'b.bundle', 'l\n', '\u0001', 'd', 'Contents', '\u00ff', 'x.bundle', '0');
const directory = directoriesOf(3);

function directoriesOf(depth: number): fc.Arbitrary<Directory> {
  return fc.record({ name: names, files: fc.array(names, { maxLength: 3 }), directories: depth === 0 ? fc.constant([]) : fc.array(directoriesOf(depth - 1), { maxLength: 2 }) });
}

async function* inPieces(text: string, sizes: readonly number[]): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const end = at + (sizes[turn % sizes.length] ?? 1);
    yield bytes.subarray(at, end);
    at = end;
  }
}

interface Read {
  readonly paths: readonly string[];
  readonly marks: readonly string[];
  readonly isWhole: boolean;
}

/** Reads pages, but for those of which the mark is known. */
async function read(text: string, { sizes = [65_536], known = [] }: { readonly sizes?: readonly number[]; readonly known?: readonly string[] } = {}): Promise<Read> {
  const [paths, marks]: [string[], string[]] = [[], []];
  const pages = pagesOf(inPieces(text, sizes));
  for (;;) {
    const next = await pages.next();
    if (next.done === true) return { paths, marks, isWhole: next.value };
    const { mark } = next.value;
    const text = mark === null ? null : `${mark.path} ${mark.digest}`;
    if (text !== null) marks.push(text);
    if (text === null || !known.includes(text)) paths.push(...Array.from(next.value.entries(), ({ entry }) => entry.path));
  }
}

test('pages hold every entry with its path, wherever the output is cut on its way, and whichever pages are not read', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(directory, { maxLength: 3 }), fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 }), fc.nat(), async (directories, sizes, leaveOut) => {
      const text = directories.map((each) => printed(each, [])).join('');
      const all = await read(text, { sizes });
      expect(all).toEqual({ paths: directories.flatMap((each) => pathsOf(each, [])), marks: expect.any(Array), isWhole: true });
      const known = all.marks.filter((_, position) => (leaveOut >> position % 16) % 2 === 0);
      const some = await read(text, { sizes, known });
      expect(some.marks).toEqual(all.marks);
      expect(all.paths.filter((path) => !some.paths.includes(path)).length === 0 || known.length > 0).toBe(true);
    }),
    { numRuns: cases(150, 5_000), seed: seed(7) },
  );
});

test('a page is marked by its directory and by all that it says', async () => {
  const page = (path: string, ...records: readonly string[]): string => `\0\0${path}\0${records.join('')}`;
  const bundle = record('d', 2, 'x.bundle');
  const marksOf = async (text: string): Promise<readonly string[]> => (await read(record('d', 1, 'a') + text)).marks;
  const [mark] = await marksOf(page('a/x.bundle', bundle, record('f', 3, 'poster')));
  expect(mark).toMatch(/^a\/x\.bundle [0-9a-f]{64}$/);
  expect(await marksOf(page('a/x.bundle', bundle, record('f', 3, 'poster')))).toEqual([mark]);
  for (const other of [page('a/x.bundle', bundle, record('f', 3, 'posted')), page('a/x.bundle', bundle), page('a/x.bundle', bundle, record('f', 3, 'poster'), record('f', 2, 'behind'))]) {
    expect(await marksOf(other)).not.toEqual([mark]);
  }
});

test('a page that is too long to be held is told in parts, and has no mark', async () => {
  const many = Array.from({ length: 20_000 }, (_, position) => `a picture of which the name is somewhat long ${position}`);
  const text = `${printed({ name: 'short.bundle', files: ['one'], directories: [] }, [])}${printed({ name: 'long.bundle', files: many, directories: [] }, [])}${printed({ name: 'last.bundle', files: ['two'], directories: [] }, [])}`;
  const { paths, marks, isWhole } = await read(text);
  expect([paths.length, paths.at(-1), isWhole]).toEqual([many.length + 5, 'last.bundle/two', true]);
  expect(paths).toContain(`long.bundle/${many[12_345] ?? ''}`);
  expect(marks.map((mark) => mark.split(' ')[0])).toEqual(['short.bundle', 'last.bundle']);
});

test('a page that ends within a record is no listing', async () => {
  const text = `${record('d', 1, 'a')}f\0f\0\0\0a/x.bundle\0${record('d', 2, 'x.bundle')}`;
  await expect(read(text)).rejects.toThrow('is no record');
});

test('an output that ends within a record is told apart', async () => {
  expect(await read(`${printed({ name: 'x.bundle', files: ['one'], directories: [] }, [])}f\0`)).toMatchObject({ isWhole: false });
  expect(await read('\0\0x.bund')).toMatchObject({ isWhole: false });
});
