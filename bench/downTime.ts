// npm run bench:downtime
import { cpus, totalmem } from 'node:os';
import { downTimeTables, type DownTimeFigures } from './downTime/downTimeFigures.ts';
import { downTimeUsage, estimatedDownTimeMinutes, parseDownTimeOptions, type DownTimeOptions } from './downTime/downTimeOptions.ts';
import { measureDownTime } from './downTime/measureDownTime.ts';
import { keepJson } from './transfer/keepJson.ts';
import { onceStopped, tell } from './transfer/onceStopped.ts';
import { requireTools } from './transfer/requireTools.ts';

async function bench(options: DownTimeOptions, signal: AbortSignal): Promise<void> {
  requireTools(options.sizes);
  tell(`Measuring on ${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${(totalmem() / 1e9).toFixed(1)} GB of memory, Node ${process.versions.node}; ${options.rounds} rounds; about ${estimatedDownTimeMinutes(options)} minutes`);
  const figures = new Map<number, DownTimeFigures>();
  try {
    for (const files of options.sizes) {
      await measureDownTime({
        ...options,
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
    if (figures.size > 0) process.stdout.write(`${downTimeTables([...figures.values()])}\n`);
  }
}

await onceStopped(async (signal) => {
  const options = parseDownTimeOptions(process.argv.slice(2));
  if (options === null) process.stdout.write(downTimeUsage);
  else await bench(options, signal);
});
