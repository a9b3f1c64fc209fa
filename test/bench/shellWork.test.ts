import { expect, test } from 'vitest';
import { CutOff, shellWork } from '../../bench/transfer/shellWork.ts';

const signal = new AbortController().signal;

test('tells what a line took and printed', async () => {
  const { stdout, seconds } = await shellWork('sleep 0.2; echo done', { signal });

  expect(stdout).toBe('done\n');
  expect(seconds).toBeGreaterThanOrEqual(0.2);
});

test('a failure anywhere in a pipe is one', async () => {
  await expect(shellWork('(echo why >&2; exit 3) | cat', { signal })).rejects.toThrow(/it ended with code 3\nwhy/);
});

test('ends all of what takes too long, and tells how long it had', async () => {
  const work = shellWork('sleep 60 | sleep 60', { signal, longestSeconds: 1 });

  const error: unknown = await work.catch((thrown: unknown) => thrown);
  if (!(error instanceof CutOff)) throw new Error('It was not cut off', { cause: error });
  expect(error.took.seconds).toBeGreaterThanOrEqual(1);
});

test('what is called off is not cut off', async () => {
  const controller = new AbortController();
  const work = shellWork('sleep 60', { signal: controller.signal, longestSeconds: 30 });
  controller.abort(new Error('called off'));

  await expect(work).rejects.toThrow('called off');
});
