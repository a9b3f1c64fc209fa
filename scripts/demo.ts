import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { runCommandLine } from '../src/cli/program.ts';
import { makeLibrary } from '../test/bed/library/makeLibrary.ts';

// The main job, embedded: a make-believe library is made and migrated into a directory, by the same commands a person types.
const place = resolve(process.argv[2] ?? 'plexlift-demo');
rmSync(place, { recursive: true, force: true });
mkdirSync(place, { recursive: true });
const source = join(place, 'old-server', 'Plex Media Server');
const media = { library: join(place, 'media', 'library'), optimized: join(place, 'media', 'optimized') };

process.stderr.write(`Making a library of 300 items in ${source}\n`);
const facts = await makeLibrary({ dataDirectory: source, mediaDirectory: media.library, optimizedDirectory: media.optimized, items: 300, seed: 1, missingMedia: 2 });

const configuration = join(place, 'plexlift.yaml');
writeFileSync(
  configuration,
  stringify({
    source: { directory: source, version: facts.version },
    target: { directory: join(place, 'new-server') },
    paths: [
      { from: '/mnt/nas-plex', to: media.library },
      { from: '/mnt/nas-plex-optimized', to: media.optimized },
    ],
    run: join(place, 'run'),
  }),
);

const stop = new AbortController();
process.on('SIGINT', () => stop.abort());
const terminal = { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, interactive: false, colour: process.stderr.isTTY, unicode: true, currentDirectory: place, stateHome: place, signal: stop.signal };
process.exitCode = await runCommandLine(['migrate', '--config', configuration], terminal);
if (process.exitCode === 0) await runCommandLine(['report', '--config', configuration], terminal);
