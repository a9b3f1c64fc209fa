import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

/** Builds plexlift as it is published, and gives back the words that run it: those of its first line, with this Node. */
export function publishedProgram(): readonly [string, ...string[]] {
  execFileSync(process.execPath, [join(root, 'scripts', 'build.ts')], { stdio: ['ignore', 'ignore', 'inherit'] });
  const main = join(root, 'dist', 'main.js');
  const [, env = '', words = ''] = /^#!(\/usr\/bin\/env) -S (.* node .*)$/m.exec(readFileSync(main, 'utf8')) ?? [];
  if (words === '') throw new Error(`Cannot run "${main}" as it is published: its first line does not name Node and its options`);
  return [env, ...words.split(' ').map((word) => (word === 'node' ? process.execPath : word)), main];
}
