// npm run bench:downtime
import { downTimeTables, type DownTimeFigures } from './downTime/downTimeFigures.ts';
import { downTimeUsage, estimatedDownTimeMinutes, parseDownTimeOptions } from './downTime/downTimeOptions.ts';
import { measureDownTime } from './downTime/measureDownTime.ts';
import { measureSizes } from './transfer/measureSizes.ts';
import { onceStopped, tell } from './transfer/onceStopped.ts';

await onceStopped(async (signal) => {
  const options = parseDownTimeOptions(process.argv.slice(2));
  if (options === null) {
    process.stdout.write(downTimeUsage);
    return;
  }
  await measureSizes<DownTimeFigures>({
    ...options,
    minutes: estimatedDownTimeMinutes(options),
    measure: (files, keep) => measureDownTime({ ...options, files, signal, tell, keep }),
    tables: downTimeTables,
  });
});
