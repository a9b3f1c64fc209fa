import { readFile } from 'node:fs/promises';
import { execa } from 'execa';

/** Mount points at or under `directory`, the latest mounted first. */
export async function mountsUnder(directory: string): Promise<readonly string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  return table
    .split('\n')
    .map((line) => unescapeOctal(line.split(' ')[4] ?? ''))
    .filter((point) => point === directory || point.startsWith(`${directory}/`))
    .toReversed();
}

/** Makes a directory pass on to containers what is mounted in it, as all of a node that runs systemd does; `unmountUnder` takes that back. */
export async function shareMountsOf(directory: string): Promise<void> {
  await execa('mount', ['--bind', directory, directory]);
  await execa('mount', ['--make-shared', directory]);
}

/** Unmounts everything at or under `directory`; a mount in use by a process outside the bed is detached lazily. */
export async function unmountUnder(directory: string): Promise<void> {
  for (const point of await mountsUnder(directory)) {
    const plain = await execa('umount', [point], { reject: false });
    if (plain.failed) {
      await execa('umount', ['--lazy', point]);
    }
  }
}

/** Undoes the escapes of the kernel's mount table: a space is written as a backslash and three octal digits. */
function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCodePoint(Number.parseInt(digits, 8)));
}
