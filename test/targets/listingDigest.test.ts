import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { thisComputer } from '../../src/machines/localMachine.ts';
import { gateClient } from '../../src/targets/gate/gate.ts';
import { gateScriptPath } from '../../src/targets/gate/gateScript.ts';
import { send } from '../../src/transfer/engine.ts';
import { proveLanding } from '../../src/transfer/landing.ts';
import { openManifest } from '../../src/transfer/manifest.ts';
import { localTree } from '../transfer/localTree.ts';
import { dataPath, ownUser, shells, temporaryDirectory } from './gateVolume.ts';
import { file, hostileTree } from './landingTree.ts';

const owner = ownUser();
const holder = 'Plug-in Support/[odd] *?\\';

/** A landing area to which a hostile tree and a catalogue were sent, and its manifest. */
async function landed(shell: readonly string[] = ['dash'], { names = [] }: { readonly names?: readonly string[] } = {}) {
  const [bulk, catalogue, root, run] = [temporaryDirectory(), temporaryDirectory(), temporaryDirectory(), temporaryDirectory()];
  hostileTree(bulk);
  for (const name of names) file(join(bulk, name), name);
  file(join(bulk, 'Metadata/old'), 'before 1970', { seconds: -5 });
  file(join(bulk, `${holder}/beside`), 'beside the catalogue');
  mkdirSync(join(catalogue, 'Plug-in Support/Databases'), { recursive: true });
  writeFileSync(join(catalogue, 'Plug-in Support/Databases/com.plexapp.plugins.library.db'), 'the library');
  const gate = gateClient({ machine: thisComputer(), script: [...shell, gateScriptPath], root, owner });
  await gate.open('r1');
  const manifest = openManifest(join(run, 'manifest.db'));
  onTestFinished(() => manifest.close());
  for (const [treeName, directory] of [['bulk', bulk], ['catalogue', catalogue]] as const) {
    await send({ tree: localTree(directory), treeName, target: gate, manifest, owner, mode: 'at rest', signal: new AbortController().signal, progress: () => undefined });
  }
  const boot = await gate.bootId();
  async function digests(): Promise<{ readonly expected: string | undefined; readonly there: string }> {
    const expected = manifest.beginProof({ owner, boot }).expectedDigest();
    return { expected: await expected?.sha256(), there: await gate.landedDigest(expected?.withoutTime ?? []) };
  }
  return { gate, manifest, digests, landing: join(root, '.plexlift/r1', dataPath) };
}

// What stands beside the Plex image's dash and bash is GNU's there, and the applets of busybox are never asked for this.
describe.each(shells.filter(([program]) => program !== 'busybox').map((shell) => ({ shell })))('the digest of a listing in $shell', ({ shell }) => {
  test('is the one that was expected, whatever the names', async () => {
    const { digests } = await landed(shell);
    const { expected, there } = await digests();
    expect(there).toBe(expected);
  });
});

describe('the digest of a listing', () => {
  const changes: readonly (readonly [what: string, change: (landing: string) => void])[] = [
    ['a file is missing', (landing) => unlinkSync(join(landing, 'tool'))],
    ['there is one more', (landing) => file(join(landing, 'one more'), '')],
    ['there is a pipe', (landing) => execFileSync('mkfifo', [join(landing, 'Metadata/other')])],
    ['a size differs', (landing) => file(join(landing, 'tool'), 'longer', { mode: 0o755, seconds: 0 })],
    ['a time differs by a second', (landing) => utimesSync(join(landing, 'empty'), 1, 1_500_000_001)],
    ['a time differs by less', (landing) => utimesSync(join(landing, 'empty'), 1, 1_500_000_000.5)],
    ['the time of a directory differs', (landing) => utimesSync(join(landing, 'empty directory'), 1, 1)],
    ['a mode differs', (landing) => chmodSync(join(landing, 'tool'), 0o744)],
    ['the mode of a directory differs', (landing) => chmodSync(join(landing, 'empty directory'), 0o2755)],
    ['a link leads elsewhere', (landing) => [unlinkSync(join(landing, 'dangling')), symlinkSync('/elsewhere', join(landing, 'dangling'))]],
    ['a file is a directory', (landing) => [unlinkSync(join(landing, 'empty')), mkdirSync(join(landing, 'empty'))]],
    ['a directory is gone', (landing) => rmSync(join(landing, 'empty directory'), { recursive: true })],
    ...(owner.uid === 0 ? [['an owner differs', (landing: string) => chownSync(join(landing, 'tool'), 12, 13)] as const] : []),
  ];
  test.each(changes)('is another one where %s', async (_what, change) => {
    const { digests, landing } = await landed();
    change(landing);
    const { expected, there } = await digests();
    expect(there).not.toBe(expected);
  });

  test('leaves out the time of the directories that hold the catalogue, and of no other', async () => {
    const { digests, landing, manifest, gate } = await landed();
    expect(manifest.beginProof({ owner, boot: null }).expectedDigest()?.withoutTime).toEqual(['Plug-in Support']);
    utimesSync(join(landing, 'Plug-in Support'), 1, 1);
    const { expected, there } = await digests();
    expect(there).toBe(expected);
    const whole = await gate.landedDigest([]);
    expect(await gate.landedDigest([holder as never])).not.toBe(whole);
    expect(await gate.landedDigest(['Plug-in Support/[odd] *?' as never])).toBe(whole);
  });

  test('is no proof, and no fault either, where a name holds what stands between its fields', async () => {
    const { digests, gate, manifest } = await landed(['dash'], { names: ['Metadata/a', 'Metadata/a\u0001b', 'Metadata/a\u0001f\u00010'] });
    const { expected, there } = await digests();
    expect(there).not.toBe(expected);
    expect((await proveLanding({ manifest, target: gate, owner })).messages).toEqual([]);
  });

  test('proves the landing area without its listing, and takes nothing back', async () => {
    const { gate, manifest } = await landed();
    const target = { ...gate, landed: () => expect.unreachable('the listing was fetched') };
    expect(await proveLanding({ manifest, target, owner })).toMatchObject({ ok: true, entries: manifest.totals('bulk').entries + manifest.totals('catalogue').entries });
    const boot = await gate.bootId();
    expect(manifest.unproven('bulk', { owner, boot }) + manifest.unproven('catalogue', { owner, boot })).toBe(0);
  });
});
