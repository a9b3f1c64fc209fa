import { expect, test } from 'vitest';
import { parseMachineTime } from '../../bench/transfer/machineTime.ts';

test('counts all work of all cores and no waiting', () => {
  const text = 'cpu  1000 200 3000 50000 600 70 8 9 400 50\ncpu0 500 100 1500 25000 300 35 4 5 200 25\n';

  expect(parseMachineTime(text)).toEqual({ busySeconds: (1000 + 200 + 3000 + 70 + 8) / 100, stolenSeconds: 0.09 });
});

test('takes no other file for it', () => {
  expect(() => parseMachineTime('MemTotal: 1 kB\n')).toThrow('Cannot read /proc/stat');
});
