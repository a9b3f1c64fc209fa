import { chmodSync, mkdirSync, rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { textOf } from '../../src/transfer/entry.ts';
import { proveLanding, type LandingProof } from '../../src/transfer/landing.ts';
import { withReceipts } from './localTarget.ts';
import { localTree, testOwner } from './localTree.ts';
import { furnish, longAgoSeconds, scene, scratchDirectory, type Scene } from './scene.ts';

const library = 'Plug-in Support/Databases/com.plexapp.plugins.library.db';

/** A scene in which bulk and catalogue have landed. */
async function landedScene(): Promise<{ readonly stage: Scene; readonly catalogue: string; readonly prove: () => Promise<LandingProof> }> {
  const stage = scene();
  furnish(stage);
  await stage.send();
  const catalogue = scratchDirectory();
  mkdirSync(join(catalogue, 'Plug-in Support/Databases'), { recursive: true });
  writeFileSync(join(catalogue, library), 'the library');
  writeFileSync(join(catalogue, 'Preferences.xml'), '<Preferences/>');
  await stage.send({ treeName: 'catalogue', tree: localTree(catalogue) });
  return { stage, catalogue, prove: () => proveLanding({ manifest: stage.manifest, target: stage.target, owner: testOwner }) };
}

describe('proving the landing area', () => {
  test('everything that was sent is proven, and the content of the catalogue is read once more', async () => {
    const { prove, stage } = await landedScene();
    const proof = await prove();
    expect(proof.messages).toEqual([]);
    expect(proof).toMatchObject({ ok: true, entries: stage.manifest.totals('bulk').entries + 3 });
    expect(proof.filesReadAgain).toBe(8);
    expect(JSON.parse(JSON.stringify(proof))).toEqual(proof);
  });

  test('what belongs to somebody else is at fault, and sent again', async () => {
    const { stage } = await landedScene();
    const path = 'Plug-in Support/Preferences/com.agent.xml';
    async function* landed(): ReturnType<typeof stage.target.landed> {
      for await (const entry of stage.target.landed()) yield { ...entry, belongsTo: textOf(entry.path) === path ? '0:4' : `${testOwner.uid}:${testOwner.gid}` };
    }
    const proof = await proveLanding({ manifest: stage.manifest, target: { ...stage.target, landed }, owner: testOwner });
    expect(proof.differing).toEqual({ count: 1, first: [`${path}: belongs to 0:4`] });
    expect((await stage.send()).entries).toBe(2);
  });

  test('everything at fault is named, and put right by the next sending', async () => {
    const { stage, prove } = await landedScene();
    const at = (path: string): string => join(stage.landing, path);
    unlinkSync(at('Cache/PhotoTranscoder/1/2.jpg'));
    writeFileSync(at('Metadata/stranger'), 'x');
    mkdirSync(at('strange directory'));
    writeFileSync(at('strange directory/child'), 'x');
    writeFileSync(at('Media/localhost/e/f.bundle/Contents/Indexes/index-sd.bif'), 'short');
    chmodSync(at('Plug-in Support/Preferences/com.agent.xml'), 0o600);
    const link = 'Metadata/Movies/a/b.bundle/Contents/_combined/posters/one';
    unlinkSync(at(link));
    symlinkSync('elsewhere', at(link));
    const empty = 'Metadata/Movies/c/d.bundle/Uploads/posters/-leading dash';
    rmSync(at(empty));
    mkdirSync(at(empty));
    const proof = await prove();
    expect(proof.ok).toBe(false);
    expect(proof.missing).toEqual({ count: 1, first: ['Cache/PhotoTranscoder/1/2.jpg'] });
    expect(proof.extra).toEqual({ count: 3, first: ['Metadata/stranger', 'strange directory', 'strange directory/child'] });
    expect(proof.differing.first.join('\n')).toMatch(/index-sd.bif: has 5 bytes, listed were 300000, has time/);
    expect(proof.differing.first).toEqual(expect.arrayContaining([
      'Plug-in Support/Preferences/com.agent.xml: has mode 600, listed was 640',
      expect.stringContaining(`${link}: leads to "elsewhere", listed was "../../com.agent/posters/one.jpg"`),
      `${empty}: is a directory, listed was a file`,
      expect.stringMatching(/^Metadata: has time/),
    ]));
    expect(proof.messages[0]).toBe('1 entry is missing from the landing area:');
    expect(await stage.send()).toMatchObject({ removed: 4 });
    expect((await prove()).messages).toEqual([]);
  });

  test('other content under the same size and time is found in the catalogue', async () => {
    const { stage, catalogue, prove } = await landedScene();
    const file = join(stage.landing, library);
    writeFileSync(file, 'THE library');
    const [listed] = [...await (async () => {
      const all = [];
      for await (const entry of localTree(catalogue).list()) if (entry.path.endsWith('.db')) all.push(entry);
      return all;
    })()];
    utimesSync(file, listed?.modifiedAtSeconds ?? 0, listed?.modifiedAtSeconds ?? 0);
    const proof = await prove();
    expect(proof.contentDiffering).toEqual({ count: 1, first: [`${library}: has other content than was sent`] });
    expect(proof).toMatchObject({ ok: false, differing: { count: 0 } });
    await stage.send({ treeName: 'catalogue', tree: localTree(catalogue) });
    expect((await prove()).ok).toBe(true);
  });

  test('what no receipt proves is not proven, even if it looks right', async () => {
    const { stage, prove } = await landedScene();
    stage.write('Metadata/unsent', 'x');
    await expect(stage.send({ target: withReceipts(stage.target, () => null) })).rejects.toThrow('no receipt came');
    utimesSync(join(stage.landing, 'Metadata'), longAgoSeconds, longAgoSeconds);
    expect((await prove()).withoutReceipt.first).toContain('Metadata/unsent');
  });

  test('another owner than the receipts were for is not proven', async () => {
    const { stage } = await landedScene();
    const proof = await proveLanding({ manifest: stage.manifest, target: stage.target, owner: { uid: 4_242, gid: 4_242 } });
    expect(proof).toMatchObject({ ok: false, withoutReceipt: { count: proof.entries } });
  });

  test('a catalogue that was never sent cannot be proven', async () => {
    const stage = scene();
    furnish(stage);
    await stage.send();
    await expect(proveLanding({ manifest: stage.manifest, target: stage.target, owner: testOwner })).rejects.toThrow('the last listing of the catalogue was never made');
  });

  test('directories that were only made to hold what was listed are no strangers', async () => {
    const { stage, prove } = await landedScene();
    // The bulk knows nothing of the directory above the databases any more.
    rmSync(join(stage.source, 'Plug-in Support'), { recursive: true });
    const keepAll = { ...stage.target, remove: async () => undefined };
    await stage.send({ target: keepAll });
    rmSync(join(stage.landing, 'Plug-in Support/Preferences'), { recursive: true });
    expect((await prove()).messages).toEqual([]);
  });
});
