import { readFile, writeFile } from 'node:fs/promises';
import type { Stage } from '../../test/e2e/stage.ts';
import { openRelay, type Link } from './relay.ts';

/** 20 ms there and 20 ms back: an answer takes 40. */
export const slowLink: Link = { delayMs: 20, megabitsPerSecond: 100 };

/** Does something while ssh reaches the source only through a slow link. */
export async function overLink<Result>({ vm }: Pick<Stage, 'vm'>, link: Link, work: () => Promise<Result>): Promise<Result> {
  const relay = await openRelay({ host: vm.address, port: 22 }, link);
  const usual = await readFile(vm.sshConfigFile, 'utf8');
  try {
    const line = `  HostName ${vm.address}\n`;
    if (!usual.includes(line)) throw new Error(`Cannot lead ssh through another link: "${vm.sshConfigFile}" has no line "${line.trim()}"`);
    await writeFile(vm.sshConfigFile, usual.replace(line, `  HostName 127.0.0.1\n  Port ${relay.port}\n  HostKeyAlias ${vm.address}\n`));
    return await work();
  } finally {
    await writeFile(vm.sshConfigFile, usual);
    await relay.close();
  }
}
