// npm run bench:transfer
import { cpus, totalmem } from 'node:os';
import { estimatedMinutes } from './transfer/estimate.ts';
import { keepJson } from './transfer/keepJson.ts';
import { measureTree } from './transfer/measureTree.ts';
import { onceStopped, tell } from './transfer/onceStopped.ts';
import { requireTools } from './transfer/requireTools.ts';
import type { TreeFigures } from './transfer/transferFigures.ts';
import { parseTransferOptions, transferUsage, type TransferOptions } from './transfer/transferOptions.ts';
import { transferTables } from './transfer/transferTable.ts';

async function bench(options: TransferOptions, signal: AbortSignal): Promise<void> {
  const sizes = [...new Set([...options.sizes, ...(options.slowLinkFiles === 0 ? [] : [options.slowLinkFiles])])];
  requireTools(sizes);
  tell(`Measuring on ${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${(totalmem() / 1e9).toFixed(1)} GB of memory, Node ${process.versions.node}; ${options.rounds} rounds; about ${estimatedMinutes(options)} minutes`);
  const figures = new Map<number, TreeFigures>();
  try {
    for (const files of sizes) {
      const isExtra = !options.sizes.includes(files);
      await measureTree({
        ...options,
        ...(isExtra ? { ways: ['plexlift'], rounds: options.rounds } : {}),
        files,
        signal,
        tell,
        keep(measured) {
          figures.set(files, measured);
          keepJson(options.json, [...figures.values()]);
        },
      });
    }
  } finally {
    // A bench that is cut off has measured something all the same.
    if (figures.size > 0) process.stdout.write(`${transferTables([...figures.values()])}\n`);
  }
}

await onceStopped(async (signal) => {
  const options = parseTransferOptions(process.argv.slice(2));
  if (options === null) process.stdout.write(transferUsage);
  else await bench(options, signal);
});
