import { command } from '../machines/command.ts';
import type { Machine } from '../machines/machine.ts';
import { parseVersion, toldByRunningServer } from '../plex/versions.ts';
import type { IdentityAnswer } from './identityAnswer.ts';

/** A version and what told it. */
export interface KnownVersion {
  readonly version: string | null;
  readonly versionFrom: string;
}

/** The package names of Plex's own builds are the same for dpkg and rpm. */
const packageName = 'plexmediaserver';

/** The exact server version: what the running server says, or else the installed package. Null where neither tells. */
export async function installedVersion(machine: Machine, answer: IdentityAnswer | null): Promise<KnownVersion> {
  const packaged = await packagedVersion(machine);
  if (answer !== null) {
    const differs = packaged !== null && packaged.text !== answer.version;
    return { version: answer.version, versionFrom: toldByRunningServer(differs ? packaged.text : null) };
  }
  return packaged === null ? { version: null, versionFrom: 'no running server and no package told it' } : { version: packaged.text, versionFrom: packaged.from };
}

/** The version of the installed package, or null where none is installed by dpkg or rpm. */
export async function packagedVersion(machine: Machine): Promise<{ readonly text: string; readonly from: string } | null> {
  const answers = [0, 1, 127];
  const byDpkg = await machine.run(command('dpkg-query', '--show', '--showformat=${Version}', packageName), { answers });
  const dpkg = byDpkg.exitCode === 0 ? parseVersion(byDpkg.stdout) : null;
  if (dpkg !== null) return { text: dpkg.text, from: 'dpkg-query' };
  const byRpm = await machine.run(command('rpm', '--query', '--queryformat', '%{VERSION}-%{RELEASE}', packageName), { answers });
  const rpm = byRpm.exitCode === 0 ? parseVersion(byRpm.stdout) : null;
  return rpm === null ? null : { text: rpm.text, from: 'rpm' };
}
