import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { thisComputer } from '../../src/machines/localMachine.ts';
import { localTree } from '../../src/sources/dataDirectory.ts';
import type { Entry, Owner } from '../../src/transfer/entry.ts';
import { placeOf } from '../../src/transfer/leftBehind.ts';
import { deepestFirst, inPathOrder, runsOf } from '../../src/transfer/plan.ts';

/** Writes the archives that plexlift would send, "leaves-NNNN.tar" and "directories-NNNN.tar", below a new directory. */
export async function writeArchives(data: string, options: { readonly into: string; readonly owner: Owner; readonly signal: AbortSignal }): Promise<void> {
  await mkdir(options.into);
  const tree = localTree(thisComputer(), { directory: data });
  const [leaves, directories]: [Entry[], Entry[]] = [[], []];
  for await (const entry of tree.list({ signal: options.signal })) {
    if (placeOf(entry.path).kind !== 'bulk' || entry.type === 'other') continue;
    (entry.type === 'directory' ? directories : leaves).push(entry);
  }
  const runs = [
    ...Array.from(runsOf(leaves.toSorted(inPathOrder)), (run) => ({ kind: 'leaves', run })),
    ...Array.from(runsOf(directories.toSorted(deepestFirst)), (run) => ({ kind: 'directories', run })),
  ];
  for (const [number, { kind, run }] of runs.entries()) {
    options.signal.throwIfAborted();
    const reading = tree.read(run, options.owner);
    await pipeline(reading.stdout, createWriteStream(join(options.into, `${kind}-${String(number).padStart(4, '0')}.tar`)));
    const { exitCode, stderrTail } = await reading.ended;
    if (exitCode !== 0) throw new Error(`Cannot write the archives of "${data}": tar ended with ${exitCode}\n${stderrTail}`);
  }
}
