// npm run bench:catalogue
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { killChildren } from './child.ts';
import { table, type Figures } from './figures.ts';
import { parseOptions, usage, type BenchOptions } from './options.ts';
import { measureSize } from './size.ts';
import { findSqldiff } from './sqldiff.ts';

// For each part the library, its copy, and what is written beside the copy while it is rewritten.
const bytesPerPart = 11_000;

async function bench(options: BenchOptions): Promise<void> {
  const sqldiff = findSqldiff();
  mkdirSync(options.directory, { recursive: true });
  const { bavail, bsize } = statfsSync(options.directory);
  const needed = Math.max(...options.sizes) * bytesPerPart;
  if (bavail * bsize < needed) throw new Error(`Cannot bench in "${options.directory}": it has ${gigabytes(bavail * bsize)} GB free and ${gigabytes(needed)} GB are needed; give another "--directory"`);
  const scratch = mkdtempSync(join(options.directory, 'plexlift-bench-'));
  const leave = (): void => {
    killChildren();
    rmSync(scratch, { recursive: true, force: true });
  };
  for (const [signal, number] of [['SIGINT', 2], ['SIGTERM', 15], ['SIGHUP', 1]] as const) {
    process.once(signal, () => {
      leave();
      process.exit(128 + number);
    });
  }
  try {
    const machine = `${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${gigabytes(totalmem())} GB of memory, Node ${process.versions.node}, SQLite ${process.versions['sqlite']}`;
    tell(`Measuring on ${machine}; medians of ${options.runs}, in "${options.directory}"`);
    const figures: Figures[] = [];
    for (const parts of options.sizes) figures.push(await measureSize({ ...options, parts, scratch, sqldiff, tell }));
    process.stdout.write(`${table(figures)}\n`);
    if (options.json !== null) writeFileSync(options.json, `${JSON.stringify(figures, null, 2)}\n`);
  } finally {
    leave();
  }
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(1);
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === null) process.stdout.write(usage);
  else await bench(options);
} catch (thrown) {
  tell(thrown instanceof Error ? thrown.message : String(thrown));
  process.exitCode = 1;
}
