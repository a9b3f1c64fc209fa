import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { thisComputer } from '../../src/machines/localMachine.ts';
import { forecastFor, type ToldForecast } from '../../src/migration/forecast.ts';
import { runDirectoryAt } from '../../src/migration/runDirectory.ts';
import { localTree } from '../../src/sources/dataDirectory.ts';
import type { Drop } from '../../src/transfer/wayProbe.ts';

const place = mkdtempSync('/tmp/plexlift-forecast-');
mkdirSync(join(place, 'data', 'Metadata'), { recursive: true });
for (let file = 0; file < 50; file += 1) writeFileSync(join(place, 'data', 'Metadata', String(file)), Buffer.alloc(2_000));

afterAll(() => rmSync(place, { recursive: true }));

async function forecast(drop: Drop | null, changes: { readonly limitBytesPerSecond?: number; readonly signal?: AbortSignal } = {}): Promise<ToldForecast> {
  const told = await forecastFor({
    directory: runDirectoryAt(join(place, 'no run')),
    limitBytesPerSecond: null,
    signal: new AbortController().signal,
    measure: (use) => use({ tree: localTree(thisComputer(), { directory: join(place, 'data') }), drop }),
    ...changes,
  });
  if ('none' in told) throw new Error(told.none);
  return told;
}

/** Takes so many bytes a second, about. */
const takingAll: Drop = async (bytes) => {
  for await (const _ of bytes) await new Promise((resolve) => void setTimeout(resolve, 5));
};

test('the way is measured where there is one, and told', async () => {
  expect((await forecast(takingAll, { limitBytesPerSecond: 8 * 1024 ** 2 })).restsOn[0]).toContain('the way to the pod was measured, ');
  expect((await forecast(null)).restsOn[0]).toContain('the way to the volume is assumed');
});

test('a way that cannot be measured makes the forecast less sure, and no failure', async () => {
  const told = await forecast(() => Promise.reject(new Error('none of its containers runs')));
  expect(told.restsOn).toContain('The way to the target could not be measured: none of its containers runs');
  expect(told.restsOn[0]).toContain('the way to the volume is assumed');
});

test('a person who stops it is no way that cannot be measured', async () => {
  const over = new AbortController();
  const stopping: Drop = () => {
    over.abort(new Error('stopped by a person'));
    return Promise.reject(new Error('cut'));
  };
  await expect(forecast(stopping, { signal: over.signal })).rejects.toThrow('stopped by a person');
});
