import { constants, createReadStream } from 'node:fs';
import { copyFile, mkdir, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { runRoom } from './child.ts';
import { median, type Figures } from './figures.ts';
import type { GenerationRequest } from './generated.ts';
import type { Measured, MeasuredRequest } from './measured.ts';
import { requireAgreement, summarise } from './sqldiff.ts';

/** One size to measure. `tell` gets a line at each stage. */
export interface Size {
  readonly parts: number;
  readonly runs: number;
  readonly pageSizeBytes: number;
  readonly scratch: string;
  readonly sqldiff: string;
  readonly tell: (line: string) => void;
}

// One rule is the beginning of the other's text, and every path grows, so that pages split.
const pairs = [
  { from: '/mnt/nas-plex', to: '/media/library' },
  { from: '/mnt/nas-plex-optimized', to: '/media/optimized-versions' },
] as const;

interface Run extends Measured {
  readonly copySeconds: number;
  readonly processSeconds: number;
  readonly sqldiffSeconds: number;
}

/** Makes a library, then rewrites and proves a fresh copy of it and has sqldiff compare the same two files, in turns. */
export async function measureSize({ parts, runs, pageSizeBytes, scratch, sqldiff, tell }: Size): Promise<Figures> {
  const [before, after] = [join(scratch, 'old', 'com.plexapp.plugins.library.db'), join(scratch, 'new', 'com.plexapp.plugins.library.db')];
  await mkdir(join(scratch, 'old'), { recursive: true });
  const generation: GenerationRequest = { file: before, parts, pageSizeBytes };
  const { seconds: generationSeconds } = await runRoom('generated.ts', generation);
  const { size } = await stat(before);
  tell(`${parts} parts: made a library of ${Math.round(size / 1e6)} MB in ${generationSeconds.toFixed(1)} s`);

  const all: Run[] = [];
  for (let run = 1; run <= runs; run += 1) {
    const copySeconds = await copyAnew(before, after);
    await warm(before, after);
    const request: MeasuredRequest = { before, after, pairs };
    const ours = await runRoom('measured.ts', request);
    const measured = ours.told as Measured;
    await warm(before, after);
    const theirs = await summarise(sqldiff, { before, after });
    requireAgreement(theirs.lines, measured);
    all.push({ ...measured, copySeconds, processSeconds: ours.seconds, sqldiffSeconds: theirs.seconds });
    const { rewriteSeconds, proofSeconds, peakMemoryMb } = measured;
    tell(`${parts} parts, run ${run} of ${runs}: rewrite ${rewriteSeconds.toFixed(2)} s, proof ${proofSeconds.toFixed(2)} s, ${peakMemoryMb.toFixed(0)} MB; sqldiff ${theirs.seconds.toFixed(2)} s`);
  }
  await rm(join(scratch, 'old'), { recursive: true });
  await rm(join(scratch, 'new'), { recursive: true });

  const middle = (figure: (run: Run) => number): number => median(all.map(figure));
  const most = (figure: (run: Run) => number): number => Math.max(...all.map(figure));
  const [seconds, sqldiffSeconds] = [middle((run) => run.rewriteSeconds + run.proofSeconds), middle((run) => run.sqldiffSeconds)];
  return {
    parts, pageSizeBytes, runs, generationSeconds, seconds, sqldiffSeconds,
    rows: most(({ rows }) => rows),
    changedRows: most(({ changed }) => Object.values(changed).reduce((sum, rows) => sum + rows, 0)),
    megabytes: size / 1e6,
    copySeconds: middle((run) => run.copySeconds),
    rewriteSeconds: middle((run) => run.rewriteSeconds),
    proofSeconds: middle((run) => run.proofSeconds),
    processSeconds: middle((run) => run.processSeconds),
    ratio: seconds / sqldiffSeconds,
    memoryAtStartMb: most((run) => run.memoryAtStartMb),
    memoryAfterRewriteMb: most((run) => run.memoryAfterRewriteMb),
    peakMemoryMb: most((run) => run.peakMemoryMb),
  };
}

/** Copies byte for byte and waits until the disk has it, so that nothing is left to be written while others are timed. */
async function copyAnew(from: string, to: string): Promise<number> {
  await rm(join(to, '..'), { recursive: true, force: true });
  await mkdir(join(to, '..'));
  const started = performance.now();
  await copyFile(from, to, constants.COPYFILE_EXCL);
  const handle = await open(to, 'r');
  await handle.sync();
  await handle.close();
  return (performance.now() - started) / 1000;
}

/** Reads files through, so that both sides find them in the page cache. */
async function warm(...files: readonly string[]): Promise<void> {
  for (const file of files) for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) void chunk;
}
