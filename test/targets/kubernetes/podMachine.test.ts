import { expect, test } from 'vitest';
import { CommandFailed, command } from '../../../src/machines/command.ts';
import { isContainerGone } from '../../../src/targets/kubernetes/podMachine.ts';

function failed(stderr: string): CommandFailed {
  return new CommandFailed({ machine: 'pod plex/plex-0', command: command('sh', 'gate.sh', 'state'), exitCode: 1, reason: 'it exited with 1', stderr }, 'See to it');
}

test.each([
  'error: Internal error occurred: unable to upgrade connection: container not found ("plexlift-gate")',
  'Error from server (NotFound): pods "plex-plex-media-server-0" not found',
  'error: unable to upgrade connection: pod does not exist',
  'OCI runtime exec failed: exec failed: cannot exec in a stopped container: unknown',
])('a command that met no container was never begun: %s', (stderr) => {
  expect(isContainerGone(failed(stderr))).toBe(true);
});

test('a command that failed in its container, and anything that is no command, may have done something', () => {
  expect(isContainerGone(failed('plexlift-gate: Cannot rename "/config/Library"'))).toBe(false);
  expect(isContainerGone(failed('command terminated with exit code 137'))).toBe(false);
  expect(isContainerGone(new Error('container not found'))).toBe(false);
});
