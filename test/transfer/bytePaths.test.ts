import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytePath, bytePathOfText, bytesOf, textOf, type BytePath, type Entry } from '../../src/transfer/entry.ts';
import { namedAsChanged } from '../../src/transfer/tarDiagnostics.ts';
import { below, withReceipts } from './localTarget.ts';
import { openProgram, snapshot, tarArguments, tarList, testOwner } from './localTree.ts';
import { scene, scratchDirectory, type Scene } from './scene.ts';

const nameByte = fc.integer({ min: 1, max: 255 }).filter((byte) => byte !== 0x2f);
const oddName = fc.oneof(
  fc.constantFrom('-', '--', '-x', '--checkpoint-action=exec=false', '@list', ' ', 'a\nb', 'a\\b', '\\n', 'ä', '*', '?', '[a]', '~', '..a', '...', 'x'.repeat(100), 'y'.repeat(255)).map((text) => Buffer.from(text)),
  fc.array(nameByte, { minLength: 1, maxLength: 255 }).map((bytes) => Buffer.from(bytes)),
).filter((name) => !['.', '..'].includes(name.toString('latin1')) && name.length <= 255);
const oddPath = fc.array(oddName, { minLength: 1, maxLength: 4 }).map((names) => bytePath(Buffer.from(names.map((name) => name.toString('latin1')).join('/'), 'latin1')));

/** Puts content at a path of the source, below a directory that is sent; nothing where something else is in the way. */
function put(stage: Scene, path: BytePath, content: string): void {
  const inside = bytePath(Buffer.concat([Buffer.from('Metadata/'), bytesOf(path)]));
  const end = inside.lastIndexOf('/');
  try {
    mkdirSync(below(stage.source, inside.slice(0, end) as BytePath), { recursive: true });
    writeFileSync(below(stage.source, inside), content);
  } catch (error) {
    if (!['EEXIST', 'ENOTDIR', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

describe('paths are bytes', () => {
  test('any names arrive as they are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(oddPath, fc.string()), { minLength: 1, maxLength: 12 }), async (files) => {
        const stage = scene();
        for (const [path, content] of files) put(stage, path, content);
        const summary = await stage.send();
        const [sent, landed] = [await snapshot(stage.source), await snapshot(stage.landing)];
        expect([...landed.keys()].toSorted()).toEqual([...sent.keys()].toSorted());
        expect(summary.entries).toBe(sent.size);
        for (const { path } of [...sent.values()].filter(({ type }) => type === 'file')) {
          expect(readFileSync(below(stage.landing, path))).toEqual(readFileSync(below(stage.source, path)));
        }
        expect(await stage.send()).toMatchObject({ entries: 0, removed: 0 });
      }),
      { numRuns: 15 },
    );
  });

  test('a path of 4,000 bytes, and a link target of as many, arrive', async () => {
    const stage = scene();
    const long = bytePathOfText([...Array.from({ length: 15 }, () => 'd'.repeat(249)), 'f'.repeat(249)].join('/').slice(0, 3_990));
    put(stage, long, 'deep');
    const target = `../${'t/'.repeat(1_990)}`;
    symlinkSync(target, join(stage.source, 'Metadata/long link'));
    await stage.send();
    const landed = await snapshot(stage.landing);
    expect([...landed.keys()].map((path) => path.length).toSorted((one, other) => other - one)[0]).toBe(long.length + 'Metadata/'.length);
    expect(landed.get(bytePathOfText('Metadata/long link'))?.linkTarget).toBe(target);
  });

  test('names that are no UTF-8 are shown escaped in what is reported', async () => {
    const stage = scene();
    put(stage, bytePath(Buffer.from([0x66, 0xff, 0x0a])), 'x');
    await stage.send();
    const broken = { ...stage.target, digestsOf: async () => new Map<BytePath, string>() };
    put(stage, bytePath(Buffer.from([0x66, 0xff, 0x0a])), 'changed');
    await expect(stage.send({ target: withReceipts(broken, (receipt) => receipt && { ...receipt, sha256: 'other' }) })).rejects.toMatchObject({
      facts: [String.raw`Metadata/f\xff\x0a: did not arrive`],
    });
  });
});

describe('what tar says of changed files', () => {
  test.each(['C', 'C.UTF-8'])('names are recognised as GNU tar spells them, in the locale %s', async (locale) => {
    const names = ['plain', 'with: colon', 'new\nline', 'tab\there', String.raw`back\slash`, 'quo"te\'s', 'ä ö', '\u0007\u0001', 'a: file changed as we read it'];
    const entries = names.map((name): Entry => ({ path: bytePathOfText(name), type: 'file', sizeBytes: 0, modifiedAtSeconds: 0, changedAt: '0', mode: 0o644 }));
    const reading = openProgram('env', [`LC_ALL=${locale}`, 'tar', ...tarArguments(scratchDirectory(), testOwner)]);
    reading.stdin.end(tarList(entries));
    reading.stdout.resume();
    const { stderrTail } = await reading.ended;
    const asChanged = stderrTail.replaceAll('Cannot stat: No such file or directory', 'file changed as we read it');
    expect([...namedAsChanged(asChanged, entries)].map((position) => textOf(entries[position]?.path ?? bytePathOfText('')))).toEqual(entries.map(({ path }) => textOf(path)));
    expect(namedAsChanged(stderrTail, entries).size).toBe(0);
  });
});
