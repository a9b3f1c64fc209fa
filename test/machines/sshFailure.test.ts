import { expect, test } from 'vitest';
import { explainSshFailure } from '../../src/machines/sshFailure.ts';

test.each([
  ['ssh: connect to host plex port 22: Connection refused', 'the host does not answer'],
  ['ssh: connect to host plex port 22: Connection timed out', 'the host does not answer'],
  ['ssh: connect to host plex port 22: No route to host', 'the host does not answer'],
  ['kex_exchange_identification: Connection closed by remote host', 'the host does not answer'],
  ['ssh: Could not resolve hostname plex: Name or service not known', 'the host name is not known'],
  ['alex@plex: Permission denied (publickey,password).', 'the host refused the key or password'],
  ['Host key verification failed.', 'the host key is unknown'],
  ['@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nHost key verification failed.', 'the host shows another key than the one it is known by'],
  ['/home/a/.ssh/config: line 3: Bad configuration option: nonsense', 'the ssh config file is unusable'],
  ['something nobody has seen before', 'ssh said "something nobody has seen before"'],
  ['', 'ssh ended without a message'],
])('%j', (printed, reason) => {
  const failure = explainSshFailure(printed, 'alex@plex');
  expect(failure.reason).toBe(reason);
  expect(failure.remedy).not.toBe('');
});
