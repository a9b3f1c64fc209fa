// A program of its own: rewrites one database in place and proves it, so that the memory it says it took was taken for nothing else.
import { statSync } from 'node:fs';
import { proveDatabase } from '../src/catalogue/proof/proof.ts';
import { rewriteDatabase } from '../src/catalogue/rewrite/rewrite.ts';
import { parseMapping, type MappingPair } from '../src/plex/pathMapping.ts';

/** What to measure: `after` is a copy of `before` and is rewritten. */
export interface MeasuredRequest {
  readonly before: string;
  readonly after: string;
  readonly pairs: readonly MappingPair[];
}

/** What it took. Memory is the most this process held at any time, Node itself included. */
export interface Measured {
  readonly rewriteSeconds: number;
  readonly proofSeconds: number;
  readonly memoryAtStartMb: number;
  readonly memoryAfterRewriteMb: number;
  readonly peakMemoryMb: number;
  /** Rows the proof compared, and in how many of each table it saw a change. */
  readonly rows: number;
  readonly changed: Readonly<Record<string, number>>;
}

async function measure({ before, after, pairs }: MeasuredRequest): Promise<Measured> {
  const fileGuids = 'leave';
  const memoryAtStartMb = peakMemoryMb();
  const started = performance.now();
  const rewritten = await rewriteDatabase(after, { mapping: parseMapping(pairs), fileGuids });
  const rewrote = performance.now();
  const memoryAfterRewriteMb = peakMemoryMb();
  const proof = await proveDatabase({ before, after, pairs, fileGuids });
  const proved = performance.now();
  if (!proof.ok) throw new Error(`Cannot measure: the proof fails with ${proof.differenceCount} differences, the first ${JSON.stringify(proof.differences[0])}`);
  for (const { table, column, changed } of rewritten.columns) {
    const cells = proof.cellsChanged.find((each) => each.table === table && each.column === column)?.cells ?? 0;
    if (cells !== changed) throw new Error(`Cannot measure: the rewrite changed ${changed} cells of "${table}.${column}" and the proof saw ${cells}`);
  }
  // Each table has one path column, so that its changed cells are its changed rows.
  const changed = Object.fromEntries(proof.cellsChanged.map(({ table, cells }) => [table, cells]));
  const seconds = { rewriteSeconds: (rewrote - started) / 1000, proofSeconds: (proved - rewrote) / 1000 };
  return { ...seconds, memoryAtStartMb, memoryAfterRewriteMb, peakMemoryMb: peakMemoryMb(), rows: proof.rowsCompared, changed };
}

// "maxRSS" is in KiB.
function peakMemoryMb(): number {
  return process.resourceUsage().maxRSS / 1024;
}

const request: MeasuredRequest = JSON.parse(process.argv[2] ?? '');
if (statSync(request.before).ino === statSync(request.after).ino) throw new Error('Cannot measure: both are the same file');
process.stdout.write(JSON.stringify(await measure(request)));
