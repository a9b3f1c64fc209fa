import { expect, test } from 'vitest';
import type { RecordedEvent, RunEvent } from '../../src/runner/events.ts';
import { markdownReport } from '../../src/ui/report/markdown.ts';
import type { Coverage } from '../../src/catalogue/coverage.ts';
import type { DatabaseSchema } from '../../src/catalogue/schemaMigrations.ts';

const found: Pick<Coverage, 'unknownPaths' | 'otherPaths'> = {
  unknownPaths: [{ file: 'library.db', table: 'tags', column: 'extra_data', rows: 4, forms: ['plain', 'percent-encoded'], examples: ['/mnt/nas-plex/x'] }],
  otherPaths: [{ file: 'library.db', table: 'media_subscriptions', column: 'extra_data', rows: 2, groups: [{ form: 'path', top: '/home/alex', rows: 2 }], examples: ['/home/alex/cut.sh'] }],
};
const schemas: readonly DatabaseSchema[] = [{ file: 'library.db', migrations: 29, reversible: 19, newest: '20260401000000', minimums: ['1.41.0.8992'] }, { file: 'blobs.db', migrations: 3, reversible: 0, newest: '20260401000000', minimums: [] }];

function reportOf(result: Extract<RunEvent, { type: 'step-finished' }>['result']): string {
  const event: RecordedEvent = { at: '2026-11-23T18:00:00.000Z', type: 'step-finished', step: 'examine', result, durationMs: 1 };
  return markdownReport([event], [{ name: 'examine', title: 'Examine' }]);
}

test('tells every place where a path was found, how it begins, and who can open the databases', () => {
  const text = reportOf({ coverage: found, schemas });
  for (const part of [
    '## Other paths in the databases',
    '| library.db | tags.extra_data | 4 | plain, percent-encoded | `/mnt/nas-plex/x` |',
    '| library.db | media_subscriptions.extra_data | 2 | 2 path `/home/alex` | `/home/alex/cut.sh` |',
    '## Schema of the databases',
    '| library.db | 29 | 19 | 20260401000000 | 1.41.0.8992 |',
    '| blobs.db | 3 | 0 | 20260401000000 | nothing |',
  ]) expect(text).toContain(part);
});

test('says nothing of paths where there are none', () => {
  expect(reportOf({ coverage: { unknownPaths: [], otherPaths: [] }, schemas })).not.toContain('## Other paths');
});
