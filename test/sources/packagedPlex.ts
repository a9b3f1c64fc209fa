import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { shellLine } from '../../src/machines/command.ts';
import { thisComputer } from '../../src/machines/localMachine.ts';
import type { Command, CommandResult, Machine } from '../../src/machines/machine.ts';
import { makeLibrary } from '../bed/library/makeLibrary.ts';

/** A packaged Plex as it lies on a machine: its library, and the home of its programs. */
export interface Packaged {
  readonly root: string;
  readonly support: string;
  readonly dataDirectory: string;
  readonly databases: string;
  readonly home: string;
  readonly mediaFile: string;
}

/** Makes one in a directory of its own; whoever asks for it removes `root`. */
export async function packagedPlex(): Promise<Packaged> {
  const root = await mkdtemp('/tmp/plexlift-packaged-');
  const support = path.join(root, 'Application Support');
  const dataDirectory = path.join(support, 'Plex Media Server');
  await makeLibrary({ dataDirectory, mediaDirectory: path.join(root, 'media'), optimizedDirectory: path.join(root, 'optimized'), items: 80, seed: 7 });
  const home = path.join(root, 'usr lib [x]');
  await mkdir(home);
  const mediaFile = path.join(root, 'sample.mkv');
  await writeFile(mediaFile, Buffer.alloc(1000, 'film'));
  return { root, support, dataDirectory, databases: path.join(dataDirectory, 'Plug-in Support/Databases'), home, mediaFile };
}

/** This computer with another systemd and other packages: what `answer` returns takes the place of the command, and nobody becomes anybody else. */
export function withAnswers(answer: (line: string, inner: Command) => Partial<CommandResult> | null): Machine & { readonly lines: string[] } {
  const here = thisComputer();
  const lines: string[] = [];
  return {
    name: 'alex@plex-source',
    lines,
    async run(inner, options) {
      const line = shellLine(inner);
      lines.push(`${inner.as === undefined || inner.as === 'login' ? '' : `${typeof inner.as === 'string' ? inner.as : inner.as.user}: `}${line}`);
      const said = answer(line, inner);
      if (said === null) return here.run({ ...inner, as: 'login' }, options);
      const result = { exitCode: 0, stdout: '', stderr: '', ...said };
      if (!(options?.answers ?? [0]).includes(result.exitCode)) throw new Error(`${line}: exit code ${result.exitCode}`);
      return result;
    },
    open: (inner, options) => here.open({ ...inner, as: 'login' }, options),
  };
}

/** What `systemctl show` prints of its unit, with these properties otherwise. */
export function shown(packaged: Packaged, settings: Readonly<Record<string, string>> = {}): string {
  const facts = {
    LoadState: 'loaded', User: 'plex', Group: 'plex', Environment: `"PLEX_MEDIA_SERVER_APPLICATION_SUPPORT_DIR=${packaged.support}" "PLEX_MEDIA_SERVER_HOME=${packaged.home}"`,
    FragmentPath: '/lib/systemd/system/plexmediaserver.service', DropInPaths: '', ActiveState: 'inactive', UnitFileState: 'enabled', MainPID: '0', ...settings,
  };
  return Object.entries(facts).map(([name, value]) => `${name}=${value}`).join('\n');
}

/** What systemd, dpkg and sudo answer about it when all is well. */
export function ordinary(packaged: Packaged, settings: Readonly<Record<string, string>> = {}) {
  return (line: string): Partial<CommandResult> | null => {
    if (line.startsWith('systemctl show')) return { stdout: shown(packaged, settings) };
    if (line.startsWith('dpkg-query')) return { stdout: '1.43.4.10718-1e3cb7a60' };
    if (line === 'id -u') return { stdout: '0\n' };
    return null;
  };
}
