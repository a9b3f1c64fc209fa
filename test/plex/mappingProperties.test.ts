import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PlexliftError } from '../../src/errors.ts';
import { isFileUrl } from '../../src/plex/fileUrl.ts';
import type { PathColumn } from '../../src/plex/pathColumns.ts';
import { afterMove, invertMapping, parseMapping, type MappingPair, type PathMapping } from '../../src/plex/pathMapping.ts';
import { moveOfValue } from '../../src/plex/pathValue.ts';
import { reversalOf } from '../../src/plex/reversal.ts';
import { bare, naivePath, naiveUrl, nastyPairs, nastyPath, nastyUrl, tries } from './nastyMappings.ts';

const forms = ['path', 'file url'] as const;

interface Scene {
  readonly pairs: readonly MappingPair[];
  readonly form: PathColumn['form'];
  readonly value: Buffer;
}

const scenes: fc.Arbitrary<Scene> = fc
  .tuple(nastyPairs, fc.constantFrom(...forms))
  .chain(([pairs, form]) => (form === 'path' ? nastyPath(pairs) : nastyUrl(pairs)).map((value) => ({ pairs, form, value })));

function naive({ pairs, form, value }: Scene): Buffer | null {
  return form === 'path' ? naivePath(pairs, value) : naiveUrl(pairs, value);
}

function mapped(mapping: PathMapping, { form, value }: Pick<Scene, 'form' | 'value'>): Buffer {
  const moved = moveOfValue(mapping, form, value);
  return moved === null ? value : afterMove(value, moved.move);
}

/** No path can go two ways in a row: nothing arrives where anything leaves from. */
function isOnePass(pairs: readonly MappingPair[]): boolean {
  const moving = pairs.filter(({ from, to }) => bare(from) !== bare(to));
  const touches = (one: string, other: string): boolean => `${bare(one)}/`.startsWith(`${bare(other)}/`) || `${bare(other)}/`.startsWith(`${bare(one)}/`);
  return pairs.every(({ to }) => moving.every(({ from }) => !touches(to, from)));
}

/** A raw URL whose new directory has "%20" in its name, and nothing else that tells it is raw, reads as an escaped one from then on. */
function changesStyle({ form, value }: Scene, once: Buffer): boolean {
  const isRaw = (url: Buffer): boolean => / |%(?!20|25)/.test(url.toString('latin1'));
  return form === 'file url' && isRaw(value) && !isRaw(once) && once.includes('%');
}

function refusalOf(action: () => unknown): string {
  try {
    action();
  } catch (thrown) {
    if (thrown instanceof PlexliftError) return thrown.kind;
    throw thrown;
  }
  return 'nothing was thrown';
}

describe('a mapping, whatever its directories and whatever the bytes', () => {
  it('gives every value one result or none, in one pass, as a second telling of the rule says', () => {
    fc.assert(
      fc.property(scenes, (scene) => {
        const before = Buffer.from(scene.value);
        const result = moveOfValue(parseMapping(scene.pairs), scene.form, scene.value);
        expect(result === null ? null : afterMove(scene.value, result.move).toString('latin1')).toBe(naive(scene)?.toString('latin1') ?? null);
        expect(scene.value.equals(before), 'the bytes given').toBe(true);
      }),
      tries(1_500, 20_000),
    );
  });

  it('is the same in whatever order the pairs stand', () => {
    fc.assert(
      fc.property(scenes, fc.infiniteStream(fc.nat()), (scene, order) => {
        const shuffled = scene.pairs.map((pair) => ({ pair, key: Number(order.next().value) })).toSorted((left, right) => left.key - right.key).map(({ pair }) => pair);
        expect(mapped(parseMapping(shuffled), scene).equals(mapped(parseMapping(scene.pairs), scene))).toBe(true);
      }),
      tries(300, 5_000),
    );
  });

  it('never touches a value outside every directory, nor one that is no path', () => {
    const seen = { outside: 0, noPath: 0 };
    fc.assert(
      fc.property(scenes, ({ pairs, form, value }) => {
        const url = value.toString('latin1');
        const path = form === 'path' ? url : url.slice('file://'.length);
        const isPath = path.startsWith('/') && (form === 'path' || url.startsWith('file:///'));
        // As a raw path and as what it names when its escapes are undone: below none of the directories either way.
        const names = [path, path.replaceAll('%20', ' ').replaceAll('%25', '%')];
        const isOutside = names.every((name) => pairs.every(({ from }) => !`${name}/`.startsWith(`${Buffer.from(bare(from)).toString('latin1')}/`)));
        if (isPath && !isOutside) return;
        seen[isPath ? 'outside' : 'noPath'] += 1;
        expect(moveOfValue(parseMapping(pairs), form, value)).toBeNull();
      }),
      tries(600, 5_000),
    );
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(20);
  });

  it('is idempotent where nothing arrives where anything leaves from', () => {
    let held = 0;
    fc.assert(
      fc.property(scenes, (scene) => {
        if (!isOnePass(scene.pairs)) return;
        const mapping = parseMapping(scene.pairs);
        const once = mapped(mapping, scene);
        held += 1;
        const isSettled = mapped(mapping, { form: scene.form, value: once }).equals(once);
        // There is no way back from there either: it is counted as irreversible.
        const isLost = changesStyle(scene, once) && !reversalOf(mapping).givesBack(scene.form, { before: scene.value, after: once });
        expect(isSettled || isLost).toBe(true);
      }),
      tries(1_500, 15_000),
    );
    expect(held, 'mappings that are idempotent').toBeGreaterThan(100);
  });

  it('is not idempotent where a target lies in a directory that moves on: the very directory that goes there would move again', () => {
    let held = 0;
    fc.assert(
      fc.property(nastyPairs, (pairs) => {
        const mapping = parseMapping(pairs);
        for (const { from, to } of pairs) {
          // The pair that has the target: the longest of those above it.
          const next = pairs.filter((pair) => `${bare(to)}/`.startsWith(`${bare(pair.from)}/`)).toSorted((left, right) => bare(right.from).length - bare(left.from).length)[0];
          if (next === undefined || bare(next.from) === bare(next.to)) continue;
          held += 1;
          const once = mapped(mapping, { form: 'path', value: Buffer.from(from.replace(/(?<=.)\/+$/, '')) });
          expect(once.toString()).toBe(bare(to) === '' ? '/' : bare(to));
          expect(mapped(mapping, { form: 'path', value: once }).equals(once)).toBe(false);
        }
      }),
      tries(300, 5_000),
    );
    expect(held, 'targets that move on').toBeGreaterThan(100);
  });

  it('is given back by its reverse, or counted as irreversible, by brute force', () => {
    const seen = { back: 0, lost: 0, noReverse: 0 };
    fc.assert(
      fc.property(scenes, (scene) => {
        const { pairs, form, value } = scene;
        if (value.length === 0 || (form === 'file url' && !isFileUrl(value))) return;
        const mapping = parseMapping(pairs);
        const after = mapped(mapping, scene);
        const counted = reversalOf(mapping).givesBack(form, { before: value, after });
        // Every way back there is: with only one of the pairs that share a target, each in turn.
        const targets = Array.from(new Set(pairs.map(({ to }) => bare(to))));
        const ways = targets.reduce<readonly (readonly MappingPair[])[]>(
          (before, target) => before.flatMap((way) => pairs.filter(({ to }) => bare(to) === target).map((pair) => [...way, { from: pair.to, to: pair.from }])),
          [[]],
        );
        const results = ways.map((way) => (naive({ pairs: way, form, value: after }) ?? after).equals(value));
        expect(counted).toBe(results.every((isBack) => isBack));
        seen[counted ? 'back' : 'lost'] += 1;
        const isBackByReverse = (): boolean => mapped(invertMapping(mapping), { form, value: after }).equals(value);
        if (ways.length > 1) seen.noReverse += 1;
        expect(ways.length > 1 ? refusalOf(isBackByReverse) : isBackByReverse()).toBe(ways.length > 1 ? 'usage' : counted);
      }),
      tries(2_000, 20_000),
    );
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(50);
  });

  it('is its own reverse reversed', () => {
    fc.assert(
      fc.property(nastyPairs, (pairs) => {
        const mapping = parseMapping(pairs);
        if (new Set(pairs.map(({ to }) => bare(to))).size < pairs.length) return;
        const directions = (given: PathMapping): readonly string[] => given.rules.map(({ from, to }) => `${from} ${to}`).toSorted();
        expect(directions(invertMapping(invertMapping(mapping)))).toEqual(directions(mapping));
      }),
      tries(300, 5_000),
    );
  });
});
