import { expect, test } from 'vitest';
import { PlexliftError } from '../../../src/errors.ts';
import { command, CommandFailed } from '../../../src/machines/command.ts';
import { blamingConfiguration } from '../../../src/targets/kubernetes/unusableProgram.ts';

const named = { context: 'home', kubeconfig: '/home/alex/.kube/config' };

async function blameFor(setting: 'kubectl' | 'helm', { exitCode, stderr }: { readonly exitCode: number; readonly stderr: string }): Promise<unknown> {
  const failure = { machine: 'this computer', command: command(setting, 'get', 'pods'), exitCode, reason: `exit code ${exitCode}`, stderr };
  return blamingConfiguration(setting, named, () => Promise.reject(new CommandFailed(failure, 'Run the command by hand'))).catch((error: unknown) => error);
}

test.each([
  ['a program that is not there', 'kubectl', 127, '', 'refused', 'Cannot use "kubectl" on this computer: the program was not found', 'target.kubernetes.kubectl'],
  ['another program that is not there', 'helm', 127, '', 'refused', 'Cannot use "helm" on this computer: the program was not found', 'target.kubernetes.helm'],
  ['a context that kubectl does not know', 'kubectl', 1, 'error: context "home" does not exist', 'refused', 'Cannot use the context "home": kubectl does not know it', 'target.kubernetes.context'],
  ['a context that helm does not know', 'helm', 1, 'Error: Kubernetes cluster unreachable: context "home" does not exist', 'refused', 'Cannot use the context "home": helm does not know it', 'target.kubernetes.context'],
  ['a kubeconfig that is not there', 'kubectl', 1, 'error: stat /home/alex/.kube/config: no such file or directory', 'refused', 'Cannot use the kubeconfig "/home/alex/.kube/config"', 'target.kubernetes.kubeconfig'],
  ['a right that lacks', 'kubectl', 1, 'Error from server (Forbidden): secrets is forbidden: User "alex" cannot list resource "secrets" in API group "" in the namespace "plex"', 'refused', 'cannot list resource "secrets"', 'plexlift check'],
  ['somebody unknown', 'kubectl', 1, 'error: You must be logged in to the server (Unauthorized)', 'refused', 'it does not know you', 'Log in again'],
  ['a cluster that does not answer', 'kubectl', 1, 'E1123 18:00:00 memcache.go:265] couldn\'t get current server API group list\nThe connection to the server 10.0.0.1:6443 was refused - did you specify the right host or port?', 'failed', 'Cannot reach the cluster: The connection to the server 10.0.0.1:6443 was refused', 'kubectl get nodes'],
] as const)('%s is named as such, with the setting or the act that helps', async (...[, setting, exitCode, stderr, kind, message, remedy]) => {
  expect(await blameFor(setting, { exitCode, stderr })).toMatchObject({ kind, message: expect.stringContaining(message), remedy: expect.stringContaining(remedy) });
});

test('what the configuration is not to blame for stays as it is', async () => {
  const error = await blameFor('kubectl', { exitCode: 1, stderr: 'error: unable to upgrade connection: container not found' });
  expect(error).toBeInstanceOf(CommandFailed);
  await expect(blamingConfiguration('kubectl', named, () => Promise.reject(new PlexliftError('interrupted', 'Stopped', { remedy: 'Go on' })))).rejects.toThrow('Stopped');
});
