import { existsSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** What the bench itself runs, and the Debian package that has it; the beds bring their own. */
const tools = [['rsync', 'rsync'], ['tc', 'iproute2'], ['tar', 'tar'], ['python3', 'python3'], ['xargs', 'findutils']] as const;

/** For each file, with the directories and links that go with it: on the source, in an archive, and twice on the volume at the worst. */
const bytesPerFile = 110_000;

/** Throws where a tool is missing, or the room for trees of these sizes. */
export function requireTools(sizes: readonly number[]): void {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  const missing = tools.filter(([program]) => !directories.some((directory) => existsSync(join(directory, program)))).map(([, name]) => name);
  if (missing.length > 0) throw new Error(`Cannot bench without ${missing.join(' and ')}: apt-get install ${missing.join(' ')}`);
  const { bavail, bsize } = statfsSync(tmpdir());
  const needed = Math.max(...sizes) * bytesPerFile;
  if (bavail * bsize < needed) throw new Error(`Cannot bench in "${tmpdir()}": it has ${(bavail * bsize / 1e9).toFixed(1)} GB free and ${(needed / 1e9).toFixed(1)} GB are needed; name another with TMPDIR`);
}
