import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { thisComputer } from '../../src/machines/localMachine.ts';
import { localTree } from '../../src/sources/dataDirectory.ts';
import type { BytePath, Entry, Owner } from '../../src/transfer/entry.ts';
import { placeOf } from '../../src/transfer/leftBehind.ts';
import { deepestFirst, inPathOrder, parentOf, runsOf, runsWithDirectories, segmentLimits } from '../../src/transfer/plan.ts';

/** Writes the archives that plexlift would send to an empty place, "leaves-NNNN.tar" and then "directories-NNNN.tar", below a new directory. */
export async function writeArchives(data: string, options: { readonly into: string; readonly owner: Owner; readonly signal: AbortSignal }): Promise<void> {
  await mkdir(options.into);
  const tree = localTree(thisComputer(), { directory: data });
  const [leaves, directories]: [Entry[], Entry[]] = [[], []];
  for await (const entry of tree.list({ signal: options.signal })) {
    if (placeOf(entry.path).kind !== 'bulk' || entry.type === 'other') continue;
    (entry.type === 'directory' ? directories : leaves).push(entry);
  }
  const runs = runsOfAll(leaves, directories);
  for (const [number, { kind, run }] of runs.entries()) {
    options.signal.throwIfAborted();
    const reading = tree.read(run, options.owner);
    await pipeline(reading.stdout, createWriteStream(join(options.into, `${kind}-${String(number).padStart(4, '0')}.tar`)));
    const { exitCode, stderrTail } = await reading.ended;
    if (exitCode !== 0) throw new Error(`Cannot write the archives of "${data}": tar ended with ${exitCode}\n${stderrTail}`);
  }
}

interface Archive {
  readonly kind: 'leaves' | 'directories';
  readonly run: readonly Entry[];
}

/** Directories with no leaf below them, and all above those, come last, as do such as are in several segments. */
function runsOfAll(leaves: readonly Entry[], directories: readonly Entry[]): readonly Archive[] {
  const waiting = new Map<BytePath, Entry>(directories.map((entry) => [entry.path, entry]));
  const withLeaves = new Set(leaves.flatMap(({ path }) => pathsAbove(path)));
  const late = new Set(directories.filter(({ path }) => !withLeaves.has(path)).flatMap(({ path }) => [path, ...pathsAbove(path)]));
  const inOrder = [...leaves, ...directories.filter(({ path }) => !late.has(path))].toSorted(inPathOrder);
  const first = Array.from(runsWithDirectories(inOrder, () => segmentLimits));
  for (const { path } of first.flat()) waiting.delete(path);
  return [...first.map((run): Archive => ({ kind: 'leaves', run })), ...Array.from(runsOf([...waiting.values()].toSorted(deepestFirst)), (run): Archive => ({ kind: 'directories', run }))];
}

function pathsAbove(path: BytePath): readonly BytePath[] {
  const parent = parentOf(path);
  return parent === null ? [] : [parent, ...pathsAbove(parent)];
}
