import { openJournal } from '../../src/runner/journal.ts';

// Records numbers without end and tells each one that is on record; its parent kills it in the middle.
const journal = openJournal(process.argv[2] ?? '', { observe: () => undefined });
for (let number = 0; ; number += 1) {
  journal.record({ type: 'noted', step: 'inspect', text: String(number) });
  process.stdout.write(`${number}\n`);
  if (number % 10 === 0) await new Promise(setImmediate);
}
