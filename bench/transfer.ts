// npm run bench:transfer
import { estimatedMinutes } from './transfer/estimate.ts';
import { measureSizes } from './transfer/measureSizes.ts';
import { measureTree } from './transfer/measureTree.ts';
import { onceStopped, tell } from './transfer/onceStopped.ts';
import type { TreeFigures } from './transfer/transferFigures.ts';
import { parseTransferOptions, transferUsage } from './transfer/transferOptions.ts';
import { transferTables } from './transfer/transferTable.ts';

await onceStopped(async (signal) => {
  const options = parseTransferOptions(process.argv.slice(2));
  if (options === null) {
    process.stdout.write(transferUsage);
    return;
  }
  await measureSizes<TreeFigures>({
    ...options,
    // A tree that is only for the slow link is measured by plexlift alone.
    sizes: [...new Set([...options.sizes, ...(options.slowLinkFiles === 0 ? [] : [options.slowLinkFiles])])],
    minutes: estimatedMinutes(options),
    measure: (files, keep) => measureTree({ ...options, ...(options.sizes.includes(files) ? {} : { ways: ['plexlift'] }), files, signal, tell, keep }),
    tables: transferTables,
  });
});
