import { readFileSync, rmSync, statSync, truncateSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { textOf, type BytePath } from '../../src/transfer/entry.ts';
import { openManifest } from '../../src/transfer/manifest.ts';
import { withReceipts } from './localTarget.ts';
import { furnish, longAgoSeconds, scene, scratchDirectory, type Scene } from './scene.ts';

const poster = 'Metadata/Movies/a/b.bundle/Contents/com.agent/posters/one.jpg';
const cached = 'Cache/PhotoTranscoder/1/2.jpg';

/** A target that says it was restarted, and notes which files it is asked to read. */
function afterRestart({ target }: Scene, boot: string | null = 'another boot') {
  const read: string[] = [];
  return {
    read,
    target: {
      ...withReceipts(target, (receipt) => receipt && { ...receipt, boot }),
      bootId: async () => boot,
      digestsOf: async (paths: readonly BytePath[]) => {
        read.push(...paths.map(textOf));
        return target.digestsOf(paths);
      },
    },
  };
}

describe('after a restart of the node', () => {
  test('every file with content is read again, and what was lost is sent again', async () => {
    const stage = scene();
    furnish(stage);
    await stage.send();
    truncateSync(join(stage.landing, poster));
    utimesSync(join(stage.landing, poster), longAgoSeconds, longAgoSeconds);
    rmSync(join(stage.landing, cached));
    const restarted = afterRestart(stage);
    const summary = await stage.send({ target: restarted.target });
    expect(restarted.read.toSorted()).toEqual([cached, 'Media/localhost/e/f.bundle/Contents/Indexes/index-sd.bif', 'Metadata/Movies/a/b.bundle/Contents/_stored/posters/one.jpg', poster, 'Plug-in Support/Preferences/com.agent.xml'].toSorted());
    expect(summary.readAgain).toEqual({ files: 5, lost: 2 });
    expect(readFileSync(join(stage.landing, poster), 'utf8')).toBe('x'.repeat(70_000));
    expect(statSync(join(stage.landing, cached)).size).toBe(6);
  });

  test('what was read again is not read a second time, and nothing is sent', async () => {
    const stage = scene();
    furnish(stage);
    await stage.send();
    await stage.send({ target: afterRestart(stage).target });
    const again = afterRestart(stage);
    expect(await stage.send({ target: again.target })).toMatchObject({ entries: 0, readAgain: { files: 0, lost: 0 } });
    expect(again.read).toEqual([]);
  });

  test('links, directories and empty files are sent again: they have no content to tell by', async () => {
    const stage = scene();
    furnish(stage);
    await stage.send();
    const before = stage.target.received.length;
    await stage.send({ target: afterRestart(stage).target });
    const sent = stage.target.received.slice(before).flatMap(({ entries }) => entries);
    expect(sent.filter(({ type, sizeBytes }) => type === 'file' && sizeBytes > 0)).toEqual([]);
    expect(new Set(sent.map(({ type }) => type))).toEqual(new Set(['directory', 'link', 'file']));
  });

  test('a boot that cannot be told is another one, every time', async () => {
    const stage = scene();
    furnish(stage);
    await stage.send({ target: afterRestart(stage, null).target });
    const again = afterRestart(stage, null);
    expect((await stage.send({ target: again.target })).readAgain.files).toBe(5);
  });

  test('what is gone from the source is not asked for', async () => {
    const stage = scene();
    furnish(stage);
    await stage.send();
    rmSync(join(stage.source, poster));
    const restarted = afterRestart(stage);
    expect(await stage.send({ target: restarted.target })).toMatchObject({ removed: 1, readAgain: { files: 4, lost: 0 } });
    expect(restarted.read).not.toContain(poster);
  });
});

test('a manifest of the first version is taken over, and what it proves is read again', async () => {
  const stage = scene();
  furnish(stage);
  await stage.send();
  stage.manifest.close();
  const older = new DatabaseSync(stage.manifestFile);
  older.exec('DROP TABLE pages; DROP TABLE whole_proof; DROP TABLE touched; ALTER TABLE segments DROP COLUMN boot; ALTER TABLE entries ADD COLUMN listing INTEGER NOT NULL DEFAULT 9; PRAGMA user_version = 1;');
  older.close();
  const manifest = openManifest(stage.manifestFile);
  expect((await stage.send({ manifest })).readAgain).toEqual({ files: 5, lost: 0 });
  manifest.close();
});

test('a manifest of a newer version is refused', () => {
  const file = join(scratchDirectory(), 'manifest.db');
  openManifest(file).close();
  const newer = new DatabaseSync(file);
  newer.exec('PRAGMA user_version = 99');
  newer.close();
  expect(() => openManifest(file)).toThrow('it has version 99');
});
