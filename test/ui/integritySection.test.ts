import { expect, test } from 'vitest';
import type { Json } from '../../src/runner/json.ts';
import type { RecordedEvent } from '../../src/runner/events.ts';
import { markdownReport } from '../../src/ui/report/markdown.ts';

const steps = [{ name: 'examine', title: 'Examine' }, { name: 'prove-landing', title: 'Prove' }];
const at = '2026-11-23T18:00:00.000Z';
const library = 'com.plexapp.plugins.library.db';
const notProven = [`${library}: the order of an index`, 'guide.db: the order of an index'];
const sound = { file: library, verdict: 'sound', lines: ['ok'] };

function section(results: Readonly<Record<string, Json>>): string {
  const events = Object.entries(results).map(([step, result]): RecordedEvent => ({ at, type: 'step-finished', step, result, durationMs: 1 }));
  return /## Integrity\n\n([\s\S]*?)(?:\n## |$)/.exec(markdownReport(events, steps))?.[1] ?? '';
}

test('tells apart what was proven here, what by Plex itself, and what by nobody', () => {
  const text = section({ examine: { notProven, ownSqlite: [sound] }, 'prove-landing': { databases: [{ path: `Databases/${library}`, said: 'intact', examined: true }] } });
  expect(text).toContain('Proven here: SQLite on this computer read them whole');
  expect(text).toContain(`the source's own examined the backup (\`${library}\`) and found no damage; where Plex will run, its own examined what arrived (\`${library}\`)`);
  expect(text).toContain(`  - the order of an index (${library}, guide.db)`);
  expect(text).toContain('Proven by nobody: No examination can prove that a text');
  expect(text).not.toContain('nobody has proven what follows');
});

test('says that nobody has proven it where neither side has the program', () => {
  expect(section({ examine: { notProven, ownSqlite: null }, 'prove-landing': { databases: [{ path: `Databases/${library}`, said: 'There is none', examined: false }] } })).toContain('**nobody has proven what follows**');
});

test('says what is still to come before the landing area was proven', () => {
  expect(section({ examine: { notProven, ownSqlite: null } })).toContain('there was none on the source; where Plex will run, nothing has been examined yet');
});

test('tells the known false report in its own words', () => {
  expect(section({ examine: { notProven, ownSqlite: [{ file: library, verdict: 'false report', lines: ['unable to validate'] }] } })).toContain(`said of \`${library}\` what it is known to say of sound libraries: unable to validate`);
});

test('reads what an older plexlift recorded', () => {
  expect(section({ examine: { notProven, ownSqlite: ['ok'] } })).toContain('Proven here');
});
