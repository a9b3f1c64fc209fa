import { parseArgs } from 'node:util';
import { makeLibrary } from './makeLibrary.ts';

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    media: { type: 'string' },
    optimized: { type: 'string' },
    items: { type: 'string' },
    seed: { type: 'string' },
    'media-path': { type: 'string' },
    'optimized-path': { type: 'string' },
    version: { type: 'string' },
    missing: { type: 'string' },
    name: { type: 'string' },
  },
});

if (values.data === undefined || values.media === undefined || values.optimized === undefined) {
  process.stderr.write(
    'usage: main.ts --data DIR --media DIR --optimized DIR [--items N] [--seed N] [--missing N] [--version V] [--name NAME] [--media-path PATH] [--optimized-path PATH]\n',
  );
  process.exitCode = 2;
} else {
  const facts = await makeLibrary({
    dataDirectory: values.data,
    mediaDirectory: values.media,
    optimizedDirectory: values.optimized,
    ...(values.items === undefined ? {} : { items: Number(values.items) }),
    ...(values.seed === undefined ? {} : { seed: Number(values.seed) }),
    ...(values.missing === undefined ? {} : { missingMedia: Number(values.missing) }),
    ...(values.version === undefined ? {} : { version: values.version }),
    ...(values.name === undefined ? {} : { friendlyName: values.name }),
    ...(values['media-path'] === undefined ? {} : { mediaPath: values['media-path'] }),
    ...(values['optimized-path'] === undefined ? {} : { optimizedPath: values['optimized-path'] }),
  });
  process.stdout.write(`${JSON.stringify(facts, null, 2)}\n`);
}
