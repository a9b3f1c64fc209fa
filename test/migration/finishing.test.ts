import { describe, expect, test } from 'vitest';
import { requireWayBack } from '../../src/cli/commands/rollback.ts';
import { finishingOf } from '../../src/migration/finishing.ts';
import type { RecordedEvent, RunEvent } from '../../src/runner/events.ts';
import type { GateState, Target } from '../../src/targets/target.ts';

const published: RunEvent = { type: 'step-finished', step: 'publish', result: null, durationMs: 1 };
const verified: RunEvent = { type: 'step-finished', step: 'verify', result: null, durationMs: 1 };
const withdrawn: RunEvent = { type: 'undo-finished', step: 'publish' };
const consent: RunEvent = { type: 'question-answered', id: 'finish', title: 'End this migration for good?', answer: 'finish', by: 'person' };
const refusal: RunEvent = { ...consent, answer: 'keep' };
const ended: RunEvent = { type: 'finished', facts: {} };

const undoBegun: RunEvent = { type: 'undo-begun', step: 'publish' };

const at = (events: readonly RunEvent[]): readonly RecordedEvent[] => events.map((event) => ({ at: 'now', ...event }));
const volume = (phase: GateState['phase'], run = 'run-1') => migration(async () => Promise.resolve({ phase, run: phase === 'none' ? null : run }));

function migration(state: Target['state']) {
  return { run: 'run-1', target: { state } as Target };
}

test.each([
  { what: 'nothing was published', events: [consent], is: 'no' },
  { what: 'nobody was asked', events: [published, verified], is: 'no' },
  { what: 'the answer was no', events: [published, verified, refusal], is: 'no' },
  { what: 'somebody consented', events: [published, verified, consent], is: 'agreed' },
  { what: 'somebody consented, and verified again', events: [published, verified, consent, { type: 'step-begun', step: 'verify' }], is: 'agreed' },
  { what: 'somebody consented, and said no when asked again', events: [published, verified, consent, refusal], is: 'no' },
  { what: 'somebody consented, and a rollback was begun since', events: [published, verified, consent, undoBegun], is: 'no' },
  { what: 'it ended', events: [published, verified, consent, ended], is: 'ended' },
  { what: 'it was withdrawn, and what was copied was removed', events: [published, verified, withdrawn, consent, ended], is: 'no' },
  { what: 'consent was to removing what an earlier try had copied', events: [published, withdrawn, consent, published, verified], is: 'no' },
] satisfies readonly { readonly what: string; readonly events: readonly RunEvent[]; readonly is: string }[])('$is: $what', ({ events, is }) => {
  expect(finishingOf(at(events))).toBe(is);
});

describe('the way back', () => {
  test('is there until somebody consents, wherever the volume is', async () => {
    for (const phase of ['none', 'publishing', 'published', 'withdrawn'] as const) await expect(requireWayBack(at([published, verified, refusal]), volume(phase))).resolves.toBeUndefined();
  });

  test('is there after a consent of which nothing has come yet', async () => {
    await expect(requireWayBack(at([published, verified, consent]), volume('published'))).resolves.toBeUndefined();
  });

  test('goes on being there once a rollback was begun, however far the volume came', async () => {
    for (const phase of ['published', 'withdrawn', 'none'] as const) await expect(requireWayBack(at([published, verified, consent, undoBegun]), volume(phase))).resolves.toBeUndefined();
  });

  test('is gone where the volume says so, also by a journal that knows of no consent', async () => {
    await expect(requireWayBack(at([published, verified]), volume('finished'))).rejects.toMatchObject({ kind: 'refused' });
  });

  test('is another thing where another run was finished there before', async () => {
    await expect(requireWayBack(at([]), volume('finished', 'run-0'))).resolves.toBeUndefined();
  });

  test.each(['finished', 'none'] as const)('is gone, or may be, where the volume says "%s" after a consent', async (phase) => {
    const refused = requireWayBack(at([published, verified, consent]), volume(phase));
    await expect(refused).rejects.toMatchObject({ kind: 'refused', message: expect.stringContaining('was begun with consent'), remedy: expect.stringContaining('"plexlift finish" completes what was begun') });
  });

  test('is gone after the end, and nobody is asked', async () => {
    const nobody = migration(async () => Promise.reject(new Error('no route to host')));
    await expect(requireWayBack(at([published, verified, consent, ended]), nobody)).rejects.toMatchObject({ kind: 'refused', message: expect.stringContaining('was finished') });
  });
});
