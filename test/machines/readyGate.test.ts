import { expect, test } from 'vitest';
import { array, assert, integer, property } from 'fast-check';
import { readyGate } from '../../src/machines/readyGate.ts';

const marks = { ready: 'plexlift-ready-0123', prompt: 'plexlift-sudo-0123:' };

function watched() {
  const events: string[] = [];
  const gate = readyGate(marks, { onReady: (id) => events.push(`ready ${id}`), onPrompt: () => events.push('prompt'), onRefused: () => events.push('refused') });
  return { events, gate };
}

test('sees the same in whatever pieces the far side speaks, and lets only the words of the program through', () => {
  const said = `a lecture\n${marks.prompt}${marks.ready} 812\nfrom the program ${marks.prompt}\n`;
  assert(
    property(array(integer({ min: 1, max: said.length - 1 })), (cuts) => {
      const { events, gate } = watched();
      const edges = [0, ...cuts.toSorted((left, right) => left - right), said.length];
      const through = edges.slice(1).map((edge, position) => gate.filter(Buffer.from(said.slice(edges[position], edge))).toString());
      expect(through.join('')).toBe(`from the program ${marks.prompt}\n`);
      // One piece with both holds no question any more: whoever prints READY has not waited for an answer.
      expect(events.filter((event) => event !== 'prompt')).toEqual(['ready 812']);
      expect(gate.saidBefore()).toBeNull();
    }),
  );
});

test('tells a second question from the first', () => {
  const { events, gate } = watched();
  gate.filter(Buffer.from(marks.prompt));
  gate.filter(Buffer.from(`Sorry, try again.\n${marks.prompt}`));
  expect(events).toEqual(['prompt', 'refused']);
  expect(gate.saidBefore()).toBe('Sorry, try again.\n');
});

test('a READY line of another connection opens nothing', () => {
  const { events, gate } = watched();
  gate.filter(Buffer.from('plexlift-ready-9999 1\n'));
  expect(events).toEqual([]);
});
