import { userInfo } from 'node:os';
import { expect, test } from 'vitest';
import { as, command } from '../../src/machines/command.ts';
import { thisComputer } from '../../src/machines/localMachine.ts';
import { machineContract } from '../contracts/machine.ts';

machineContract('this computer', async () => ({ machine: thisComputer(), close: async () => undefined }));

test.runIf(userInfo().uid === 0)('root runs a command as another user, in a directory that user may enter, with the environment given', async () => {
  const inner = { ...command('sh', '-c', 'id -un; pwd; printf %s "$SAID"'), environment: { SAID: 'a b' } };
  const { stdout } = await thisComputer().run(as({ user: 'nobody' }, inner));
  expect(stdout).toBe('nobody\n/\na b');
});
