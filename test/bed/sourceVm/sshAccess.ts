import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runOnHost } from './hostCommand.ts';

/** The name under which every machine's ssh configuration file knows its machine. */
export const SSH_ALIAS = 'plex-source';

/** Makes host keys in the machine's root, a key pair for alex, and a configuration file that finds all of it; returns that file's path. */
export async function setUpSshAccess(paths: { readonly root: string; readonly directory: string; readonly address: string }): Promise<string> {
  const { root, directory, address } = paths;
  await mkdir(directory, { mode: 0o700 });
  const hostKey = path.join(root, 'etc/ssh/ssh_host_ed25519_key');
  const userKey = path.join(directory, 'id_ed25519');
  await runOnHost(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'machine', '-f', hostKey]);
  await runOnHost(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'alex', '-f', userKey]);

  const knownHosts = path.join(directory, 'known_hosts');
  await writeFile(knownHosts, `${address} ${await readFile(`${hostKey}.pub`, 'utf8')}`);
  await authorize(root, `${userKey}.pub`);

  const configFile = path.join(directory, 'config');
  const lines = [
    `Host ${SSH_ALIAS} ${address}`,
    `  HostName ${address}`,
    '  User alex',
    `  IdentityFile "${userKey}"`,
    '  IdentitiesOnly yes',
    '  IdentityAgent none',
    `  UserKnownHostsFile "${knownHosts}"`,
    '  GlobalKnownHostsFile /dev/null',
    '  StrictHostKeyChecking yes',
    '',
  ];
  await writeFile(configFile, lines.join('\n'), { mode: 0o600 });
  return configFile;
}

async function authorize(root: string, publicKey: string): Promise<void> {
  const directory = path.join(root, 'home/alex/.ssh');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await copyFile(publicKey, path.join(directory, 'authorized_keys'));
  await runOnHost(['chroot', root, 'chown', '--recursive', 'alex:alex', '/home/alex/.ssh']);
}
