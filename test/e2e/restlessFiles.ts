import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freshBulkDirectory } from './freshBulk.ts';
import { dataOnSource, sourceDataDirectory } from './sidesOfStage.ts';
import type { Stage } from './stage.ts';

/** Files on the source that never stay as they are. */
export interface RestlessFiles {
  /** Ends the changes; gives back how many of each kind there were. */
  calm(): Promise<Readonly<Record<string, number>>>;
}

// Runs on the machine's own Python until a file appears. Some changes leave the size, some put back the time of modification.
const program = `
import json, os, random, sys, time
root = sys.argv[1]
done = dict.fromkeys(['grown', 'shrunk', 'rewritten', 'vanished', 'made', 'renamed', 'turned'], 0)
draw = random.Random(5)
os.makedirs(root, exist_ok=True)
def path(number):
    return os.path.join(root, 'restless-%03d' % number)
for number in range(400):
    with open(path(number), 'wb') as file:
        file.write(draw.randbytes(8 << 20 if number % 80 == 0 else 20000))
print('ready', flush=True)
while not os.path.exists(os.path.join(root, 'calm')):
    one, other = path(draw.randrange(400)), path(draw.randrange(400, 500))
    what = draw.choice(list(done))
    try:
        if what == 'grown':
            with open(one, 'ab') as file: file.write(draw.randbytes(3000))
        elif what == 'shrunk':
            os.truncate(one, os.stat(one).st_size * 2 // 3)
        elif what == 'rewritten':
            info = os.stat(one)
            with open(one, 'r+b') as file: file.write(draw.randbytes(min(info.st_size, 9000)))
            os.utime(one, ns=(info.st_atime_ns, info.st_mtime_ns))
        elif what == 'vanished':
            os.unlink(one)
        elif what == 'made':
            with open(one, 'xb') as file: file.write(draw.randbytes(20000))
        elif what == 'renamed':
            os.rename(one, other)
        elif what == 'turned':
            os.unlink(one)
            os.mkdir(one) if draw.randrange(2) else os.symlink('elsewhere', one)
        done[what] += 1
    except OSError:
        if os.path.isdir(one): os.rmdir(one)
    time.sleep(0.001)
print(json.dumps(done))
`;

/** Begins to change files among the fresh bulk of a stage. */
export async function beginRestlessFiles(stage: Stage): Promise<RestlessFiles> {
  const inside = `${sourceDataDirectory}/${freshBulkDirectory}/restless`;
  const calm = join(dataOnSource(stage), freshBulkDirectory, 'restless/calm');
  const ended = stage.vm.run(`python3 - '${inside}' <<'END'\n${program}\nEND`, { timeoutMs: 300_000 });
  return {
    async calm() {
      await writeFile(calm, '');
      const { stdout, stderr } = await ended;
      await rm(calm);
      const told = stdout.split('\n').findLast((line) => line.startsWith('{'));
      if (told === undefined) throw new Error(`The files did not change: ${stderr}`);
      return JSON.parse(told) as Record<string, number>;
    },
  };
}
