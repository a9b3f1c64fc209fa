import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { isLong } from '../long.ts';
import { shells } from './gateVolume.ts';
import { faultsOfKilling } from './killing/faultsOfKilling.ts';
import type { Killed, Pace } from './killing/faultsOfKilling.ts';
import { gateStepper } from './killing/gateStepper.ts';
import { killedVerbs } from './killing/killedVerbs.ts';
import type { KilledVerb } from './killing/killedVerbs.ts';
import { linesThatMatter } from './killing/linesThatMatter.ts';
import { closeOffers } from './killing/segmentInput.ts';

const base = mkdtempSync(join(tmpdir(), 'plexlift-killed-'));
afterAll(async () => {
  await closeOffers();
  rmSync(base, { recursive: true, force: true });
});

/** All verbs in one shell. One after the other: which lines are left to be killed at depends on those before. */
function killingIn(shell: readonly string[], { verbs, pace }: { readonly verbs: readonly KilledVerb[]; readonly pace: Pace }) {
  const directory = join(base, shell.join('-'));
  mkdirSync(directory);
  const stepper = gateStepper(directory, shell);
  const killed: Killed = { labels: new Set(), combinations: new Set(), decisions: new Set(), kills: 0 };
  const faults = new Map<string, Promise<readonly string[]>>();
  let last: Promise<unknown> = Promise.resolve();
  for (const verb of verbs) {
    const tried = last.then(async () => await faultsOfKilling(verb, { stepper, directory, killed, pace }));
    last = tried.catch(() => undefined);
    faults.set(verb.name, tried);
  }
  return { lines: stepper.lines, killed, faultsOf: async (verb: KilledVerb) => await faults.get(verb.name), ended: async () => await last };
}

/** Lazily: a test that was not asked for starts nothing. */
function once<Value>(make: () => Value): () => Value {
  let made: Value | undefined;
  return () => (made ??= make());
}

const timeout = 1_800_000;
// The image of Plex, in which the gate runs, has dash.
const [whole] = shells;
const tried = isLong ? shells : shells.filter((shell) => shell.join(' ') !== 'bash --posix');
const moves = /^(?:publish: in place|hold: what|withdraw: with another|gate: another library was being|finish)/;

const shellsToKill: readonly { readonly name: string; readonly shell: readonly string[]; readonly verbs: readonly KilledVerb[]; readonly pace: Pace }[] = tried.map((shell) => {
  const isWhole = isLong || shell === whole;
  return { name: shell.join(' '), shell, verbs: isWhole ? killedVerbs : killedVerbs.filter(({ name }) => moves.test(name)), pace: isLong ? 'steps' : isWhole ? 'lines' : 'states' };
});

describe.concurrent.each(shellsToKill)('killed in $name: every library stays whole, and the same command goes on', ({ shell, verbs, pace }) => {
  const killing = once(() => killingIn(shell, { verbs, pace }));

  test.each(verbs)('$name', { timeout }, async (verb) => {
    expect(await killing().faultsOf(verb)).toEqual([]);
  });

  test.runIf(pace !== 'states')('no line of a verb that changes something was left out', { timeout }, async () => {
    const { lines, killed, ended } = killing();
    await ended();
    const left = linesThatMatter(lines).filter(({ line }) => !killed.labels.has(String(line)));
    expect(left.map(({ line, within, text }) => `${line}, ${within ?? 'outside of functions'}: ${text}`)).toEqual([]);
    expect(killed.kills).toBeGreaterThan(linesThatMatter(lines).length);
  });

  test('every combination that the tables of publish and withdraw go on from was left behind once', { timeout }, async () => {
    const { killed, ended } = killing();
    await ended();
    const setAside = ['publishing set-aside 110', 'publishing set-aside 101', 'publishing set-aside 011', 'withdrawing set-aside 101', 'withdrawing set-aside 011', 'withdrawing set-aside 110'];
    const first = ['publishing none 100', 'publishing none 010', 'withdrawing none 100', 'withdrawing none 010'];
    for (const combination of pace !== 'states' ? [...setAside, ...first] : setAside) expect(killed.combinations).toContain(combination);
  });
});
