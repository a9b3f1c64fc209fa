import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Progress } from '../../src/runner/step.ts';
import { bytePathOfText, textOf, type BytePath, type Entry } from '../../src/transfer/entry.ts';
import { placeOf } from '../../src/transfer/leftBehind.ts';
import { leaves } from '../../src/transfer/listingFindings.ts';
import type { Receipt } from '../../src/transfer/segment.ts';
import { withReceipts } from './localTarget.ts';
import { localTree, snapshot } from './localTree.ts';
import { furnish, impatience, longAgoSeconds, scene } from './scene.ts';

/** An entry without what two file systems cannot have in common. */
function comparable({ path, type, sizeBytes, modifiedAtSeconds, mode, linkTarget }: Entry): unknown {
  return { path, type, modifiedAtSeconds, mode: type === 'link' ? null : mode, linkTarget, sizeBytes: type === 'file' ? sizeBytes : null };
}

async function expectEqualTrees(source: string, landing: string): Promise<void> {
  const bulk = [...(await snapshot(source)).values()].filter(({ path, type }) => placeOf(path).kind === 'bulk' && type !== 'other');
  const landed = [...(await snapshot(landing)).values()];
  const byPath = (one: Entry, other: Entry): number => (one.path < other.path ? -1 : 1);
  expect(landed.toSorted(byPath).map(comparable)).toEqual(bulk.toSorted(byPath).map(comparable));
  for (const { path } of bulk.filter(({ type }) => type === 'file')) {
    expect(readFileSync(join(landing, textOf(path)))).toEqual(readFileSync(join(source, textOf(path))));
  }
}

describe('sending a tree', () => {
  test('lands every entry with content, mode, time and link target', async () => {
    const stage = scene();
    furnish(stage);
    const summary = await stage.send();
    await expectEqualTrees(stage.source, stage.landing);
    expect(summary).toMatchObject({ entries: summary.listed.entries, bytes: summary.listed.bytes, removed: 0, retries: 0, notSent: { count: 0 } });
    expect(stage.manifest.totals('bulk')).toMatchObject({ entries: summary.listed.entries, provenEntries: summary.listed.entries, provenBytes: summary.bytes });
    expect(JSON.parse(JSON.stringify(summary))).toEqual(summary);
  });

  test('times of directories survive segments of any size, with empty directories and such as only changed themselves', async () => {
    const stage = scene();
    furnish(stage);
    for (let file = 0; file < 30; file += 1) stage.write(`Metadata/m/${file % 7}/${file % 3}/${file}`, 'x');
    mkdirSync(join(stage.source, 'Metadata/m/1/empty/within empty'), { recursive: true });
    await stage.send({ limits: { entries: 4, bytes: 1e9 } });
    await expectEqualTrees(stage.source, stage.landing);
    for (const path of ['Metadata/m/1/empty', 'Metadata/m/2', 'Metadata/m']) utimesSync(join(stage.source, path), longAgoSeconds, longAgoSeconds + 7);
    stage.write('Metadata/m/3/1/new', 'new');
    rmSync(join(stage.source, 'Metadata/m/4'), { recursive: true });
    mkdirSync(join(stage.source, 'Metadata/m/2/0/also new'));
    expect(await stage.send({ limits: { entries: 4, bytes: 1e9 } })).toMatchObject({ notSent: { count: 0 } });
    await expectEqualTrees(stage.source, stage.landing);
  });

  test('sends nothing when nothing changed', async () => {
    const stage = scene();
    furnish(stage);
    await stage.send();
    const before = stage.target.received.length;
    expect(await stage.send()).toMatchObject({ entries: 0, bytes: 0, segments: 0 });
    expect(stage.target.received).toHaveLength(before);
  });

  test('leaves behind what belongs to the server process or to the catalogue, and says so', async () => {
    const stage = scene();
    furnish(stage);
    stage.write('Logs/Plex Media Server.log', 'log');
    stage.write('Cache/Transcode/Sessions/x.ts', '12345');
    stage.write('Preferences.xml', '<Preferences/>');
    stage.write('Plug-in Support/Databases/com.plexapp.plugins.library.db', 'database');
    const { listed } = await stage.send();
    const landed = [...(await snapshot(stage.landing)).keys()].map(textOf);
    expect(landed).toContain('Cache/PhotoTranscoder/1/2.jpg');
    expect(landed.filter((path) => /^Logs|Transcode\/|Preferences\.xml|Databases/.test(path))).toEqual([]);
    expect(listed.leftBehind.find(({ path }) => path === 'Cache/Transcode')).toMatchObject({ entries: 3, sizeBytes: 5 });
  });

  test('sends the catalogue from a tree of its own, which must hold nothing else', async () => {
    const stage = scene();
    stage.write('Preferences.xml', '<Preferences/>');
    stage.write('Plug-in Support/Databases/com.plexapp.plugins.library.db', 'database');
    await stage.send({ treeName: 'catalogue' });
    expect([...(await snapshot(stage.landing)).keys()].map(textOf).toSorted()).toEqual([
      'Plug-in Support',
      'Plug-in Support/Databases',
      'Plug-in Support/Databases/com.plexapp.plugins.library.db',
      'Preferences.xml',
    ]);
    stage.write('Metadata/not of the catalogue', '');
    await expect(stage.send({ treeName: 'catalogue' })).rejects.toThrow('"Metadata/not of the catalogue" does not belong to it');
  });

  test('tells its advance in bytes and entries that never exceed the totals, and the end only when all is proven', async () => {
    const stage = scene();
    furnish(stage);
    const told: Progress[] = [];
    const { listed } = await stage.send({ progress: (progress) => told.push(progress), limits: { entries: 2, bytes: 1e9 } });
    expect(told.filter(({ what }) => what === 'listing').at(-1)).toEqual({ what: 'listing', done: listed.entries, unit: 'entries' });
    const sending = told.filter(({ what }) => what === 'sending');
    expect(sending[0]).toMatchObject({ done: 0, total: 370_020, entries: { done: 0, total: listed.entries }, share: 0 });
    expect(sending.at(-1)).toMatchObject({ done: 370_020, total: 370_020, unit: 'bytes', entries: { done: listed.entries, total: listed.entries }, share: 1, secondsLeft: 0 });
    expect(sending.every(({ done, total = 0, entries = { done: 1, total: 0 } }) => done <= total && entries.done <= entries.total)).toBe(true);
    expect(sending.filter(({ share }) => share === 1)).toHaveLength(1);
  });

  test('tells how far it is also while nothing moves', async () => {
    const stage = scene();
    stage.write('Metadata/a', 'a'.repeat(5_000_000));
    const told: Progress[] = [];
    async function receive(...given: Parameters<typeof stage.target.receive>): Promise<Receipt | null> {
      if (stage.target.received.length === 0) await pause(2_300);
      return await stage.target.receive(...given);
    }
    await stage.send({ target: { ...stage.target, receive }, progress: (progress) => told.push(progress), patience: { ...impatience, stallMs: 5_000 } });
    const sending = told.filter(({ what, entries }) => what === 'sending' && entries?.done === 0);
    const standing = Map.groupBy(sending, ({ done }) => done).values().toArray();
    expect(Math.max(...standing.map(({ length }) => length))).toBeGreaterThanOrEqual(3);
  });

  test('sockets and pipes are listed and never sent', async () => {
    const stage = scene();
    stage.write('Metadata/a', 'a');
    execFileSync('mkfifo', [join(stage.source, 'Metadata/pipe')]);
    expect(await stage.send()).toMatchObject({ entries: 2, skippedOther: { count: 1, first: ['Metadata/pipe'] } });
    expect([...(await snapshot(stage.landing)).keys()].toSorted()).toEqual(['Metadata', 'Metadata/a']);
  });

  test('a file that became a pipe is removed', async () => {
    const stage = scene();
    stage.write('Metadata/a', 'a');
    await stage.send();
    unlinkSync(join(stage.source, 'Metadata/a'));
    execFileSync('mkfifo', [join(stage.source, 'Metadata/a')]);
    expect(await stage.send()).toMatchObject({ removed: 1 });
    expect([...(await snapshot(stage.landing)).keys()]).toEqual(['Metadata']);
  });

  test.each(['/etc/passwd', '../outside', 'a/../../outside', './a', 'a//b', '', 'a/.', 'a\0b'])('a listing that holds "%s" is refused', async (path) => {
    const stage = scene();
    async function* strange(): AsyncGenerator<Entry> {
      yield { path: path as BytePath, type: 'file', sizeBytes: 0, modifiedAtSeconds: 0, changedAt: '0', mode: 0o644 };
    }
    await expect(stage.send({ tree: { ...localTree(stage.source), list: strange } })).rejects.toThrow('is no path below its root');
  });

  test('reports links that leave the data directory, and sends them as links', async () => {
    const stage = scene();
    stage.link('Metadata/elsewhere', '/mnt/other disk');
    stage.link('Metadata/up and out', '../../away');
    stage.link('Metadata/within', '../Media');
    mkdirSync(join(stage.source, 'Media'));
    const { leavingLinks } = await stage.send();
    expect(leavingLinks).toEqual({ count: 2, first: expect.arrayContaining(['Metadata/elsewhere: leads to /mnt/other disk', 'Metadata/up and out: leads to ../../away']) });
    await expectEqualTrees(stage.source, stage.landing);
  });
});

describe('sending what changed', () => {
  test('changes, additions, removals and type changes arrive, and directory times survive', async () => {
    const stage = scene();
    furnish(stage);
    stage.write('Metadata/file to directory', 'file');
    stage.write('Metadata/directory to file/child', 'child');
    stage.write('Metadata/link to file target', 'x');
    stage.link('Metadata/link to file', 'link to file target');
    await stage.send();
    const { source, write } = stage;
    write('Metadata/Movies/a/b.bundle/Contents/_stored/posters/one.jpg', 'poster two');
    write('Metadata/Movies/new/new.bundle/x', 'new');
    rmSync(join(source, 'Metadata/Movies/c'), { recursive: true });
    unlinkSync(join(source, 'Metadata/file to directory'));
    write('Metadata/file to directory/child', 'now a directory');
    rmSync(join(source, 'Metadata/directory to file'), { recursive: true });
    write('Metadata/directory to file', 'now a file');
    unlinkSync(join(source, 'Metadata/link to file'));
    write('Metadata/link to file', 'now a file');
    symlinkSync('one.jpg', join(source, 'Metadata/Movies/a/b.bundle/Contents/_stored/posters/two'));
    const summary = await stage.send();
    await expectEqualTrees(stage.source, stage.landing);
    expect(readFileSync(join(stage.landing, 'Metadata/link to file target'), 'utf8')).toBe('x');
    expect(summary.bytes).toBeLessThan(100);
    expect(await stage.send()).toMatchObject({ entries: 0, removed: 0 });
  });

  test('the same content under an older time is sent again, and nothing else', async () => {
    const stage = scene();
    furnish(stage);
    await stage.send();
    utimesSync(join(stage.source, 'Cache/PhotoTranscoder/1/2.jpg'), 5, 5);
    const before = stage.target.received.length;
    await stage.send();
    const sent = stage.target.received.slice(before).flatMap(({ entries }) => entries.map(({ path }) => textOf(path)));
    expect(sent).toEqual(['Cache/PhotoTranscoder/1/2.jpg', 'Cache/PhotoTranscoder/1']);
    await expectEqualTrees(stage.source, stage.landing);
  });

  test('another owner is sent anew', async () => {
    const stage = scene();
    furnish(stage);
    const { entries } = await stage.send();
    const delta = stage.manifest.delta('bulk', { uid: 4_242, gid: 4_242 });
    expect(delta.toSend.entries).toBe(entries);
  });
});

describe('entries that change while they are sent', () => {
  function treeThatChanges(source: string, change: () => void): ReturnType<typeof localTree> {
    let changed = false;
    return localTree(source, {
      beforeRead() {
        if (!changed) change();
        changed = true;
      },
    });
  }

  test('while running they are left for the next time, and the others are proven', async () => {
    const stage = scene();
    furnish(stage);
    const vanishing = 'Cache/PhotoTranscoder/1/2.jpg';
    const growing = 'Media/localhost/e/f.bundle/Contents/Indexes/index-sd.bif';
    const tree = treeThatChanges(stage.source, () => {
      unlinkSync(join(stage.source, vanishing));
      appendFileSync(join(stage.source, growing), 'more');
    });
    const summary = await stage.send({ mode: 'while running', tree });
    // The directory of what vanished has another time now.
    expect(summary.notSent.count).toBe(3);
    expect(summary.notSent.first).toEqual(expect.arrayContaining([
      `${vanishing}: vanished, or could not be read`,
      `${growing}: had 300000 bytes when listed and has 300004 now`,
      'Cache/PhotoTranscoder/1: was modified after it was listed',
    ]));
    expect(summary.entries).toBe(summary.listed.entries - 3);
    const names = stage.target.received.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    await stage.send();
    await expectEqualTrees(stage.source, stage.landing);
  });

  test('what vanished before its second sending is removed, although nothing ever proved it there', async () => {
    const stage = scene();
    stage.write('Metadata/a', 'a');
    stage.write('Metadata/b', 'b');
    await expect(stage.send({ target: withReceipts(stage.target, () => null) })).rejects.toThrow('no receipt came');
    expect([...(await snapshot(stage.landing)).keys()]).toContain('Metadata/a');
    rmSync(join(stage.source, 'Metadata/a'));
    expect(await stage.send()).toMatchObject({ removed: 1 });
    await expectEqualTrees(stage.source, stage.landing);
  });

  test('at rest they are an error that names them', async () => {
    const stage = scene();
    furnish(stage);
    const tree = treeThatChanges(stage.source, () => renameSync(join(stage.source, 'Cache/PhotoTranscoder/1/2.jpg'), join(stage.source, 'gone')));
    await expect(stage.send({ tree })).rejects.toMatchObject({
      kind: 'failed',
      facts: expect.arrayContaining(['Cache/PhotoTranscoder/1/2.jpg: vanished, or could not be read']),
    });
  });

  test('a file that becomes a directory is left for the next time', async () => {
    const stage = scene();
    stage.write('Metadata/a', 'a');
    stage.write('Metadata/b', 'b');
    const tree = treeThatChanges(stage.source, () => {
      unlinkSync(join(stage.source, 'Metadata/a'));
      mkdirSync(join(stage.source, 'Metadata/a'));
      writeFileSync(join(stage.source, 'Metadata/a/child'), 'child');
    });
    const summary = await stage.send({ mode: 'while running', tree });
    expect(summary.notSent.first).toContain('Metadata/a: was a file when listed and is a directory now');
    await stage.send();
    await expectEqualTrees(stage.source, stage.landing);
    expect(statSync(join(stage.landing, 'Metadata/a')).isDirectory()).toBe(true);
  });
});

test('the place of an entry is anchored at the data directory', () => {
  const kindOf = (path: string): string => placeOf(bytePathOfText(path)).kind;
  expect(kindOf('Logs')).toBe('left behind');
  expect(kindOf('Logs/x')).toBe('left behind');
  expect(kindOf('Logs of mine')).toBe('bulk');
  expect(kindOf('Plug-in Support/Logs')).toBe('bulk');
  expect(kindOf('Cache')).toBe('bulk');
  expect(kindOf('Cache/Transcode/Sessions')).toBe('left behind');
  expect(kindOf('Plug-in Support/Databases')).toBe('catalogue');
  expect(kindOf('Plug-in Support')).toBe('bulk');
  expect(kindOf('Preferences.xml.bak')).toBe('bulk');
});

test('a link leaves when it leads above the data directory at any point, or is absolute', () => {
  const leads = (path: string, target: string): boolean => leaves(bytePathOfText(path), bytePathOfText(target));
  expect(leads('Metadata/a/link', '../../Media/x')).toBe(false);
  expect(leads('Metadata/a/link', '../../../Media/x')).toBe(true);
  expect(leads('link', '..')).toBe(true);
  expect(leads('link', './a/../b')).toBe(false);
  expect(leads('Metadata/link', '../../data directory/Media')).toBe(true);
  expect(leads('link', '/var/lib')).toBe(true);
});
