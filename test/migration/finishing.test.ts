import { describe, expect, test } from 'vitest';
import { requireWayBack } from '../../src/cli/commands/rollback.ts';
import { finishingOf } from '../../src/migration/finishing.ts';
import type { RecordedEvent, RunEvent } from '../../src/runner/events.ts';
import type { GateState } from '../../src/targets/target.ts';

const published: RunEvent = { type: 'step-finished', step: 'publish', result: null, durationMs: 1 };
const verified: RunEvent = { type: 'step-finished', step: 'verify', result: null, durationMs: 1 };
const withdrawn: RunEvent = { type: 'undo-finished', step: 'publish' };
const consent: RunEvent = { type: 'question-answered', id: 'finish', title: 'End this migration for good?', answer: 'finish', by: 'person' };
const refusal: RunEvent = { ...consent, answer: 'keep' };
const ended: RunEvent = { type: 'finished', facts: {} };

const at = (events: readonly RunEvent[]): readonly RecordedEvent[] => events.map((event) => ({ at: 'now', ...event }));
const volume = (phase: GateState['phase']) => ({ state: async () => Promise.resolve({ phase, run: phase === 'none' ? null : 'run-1' }) });

test.each([
  { what: 'nothing was published', events: [consent], is: 'no' },
  { what: 'nobody was asked', events: [published, verified], is: 'no' },
  { what: 'the answer was no', events: [published, verified, refusal], is: 'no' },
  { what: 'somebody consented', events: [published, verified, consent], is: 'agreed' },
  { what: 'somebody consented, and verified again', events: [published, verified, consent, { type: 'step-begun', step: 'verify' }], is: 'agreed' },
  { what: 'it ended', events: [published, verified, consent, ended], is: 'ended' },
  { what: 'it was withdrawn, and what was copied was removed', events: [published, verified, withdrawn, consent, ended], is: 'no' },
  { what: 'consent was to removing what an earlier try had copied', events: [published, withdrawn, consent, published, verified], is: 'no' },
] satisfies readonly { readonly what: string; readonly events: readonly RunEvent[]; readonly is: string }[])('$is: $what', ({ events, is }) => {
  expect(finishingOf(at(events))).toBe(is);
});

describe('the way back', () => {
  test('is there until somebody consents, wherever the volume is', async () => {
    for (const phase of ['none', 'landing', 'publishing', 'published', 'withdrawn'] as const) await expect(requireWayBack(at([published, verified, refusal]), volume(phase))).resolves.toBeUndefined();
  });

  test('is there after a consent of which nothing has come yet', async () => {
    await expect(requireWayBack(at([published, verified, consent]), volume('published'))).resolves.toBeUndefined();
  });

  test.each(['finished', 'none'] as const)('is gone, or may be, where the volume says "%s" after a consent', async (phase) => {
    const refused = requireWayBack(at([published, verified, consent]), volume(phase));
    await expect(refused).rejects.toMatchObject({ kind: 'refused', message: expect.stringContaining('was begun with consent'), remedy: expect.stringContaining('"plexlift finish" completes what was begun') });
  });

  test('is gone after the end, and nobody is asked', async () => {
    const nobody = { state: async () => Promise.reject(new Error('no route to host')) };
    await expect(requireWayBack(at([published, verified, consent, ended]), nobody)).rejects.toMatchObject({ kind: 'refused', message: expect.stringContaining('was finished') });
  });
});
