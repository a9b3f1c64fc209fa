import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { thisComputer } from '../../src/machines/localMachine.ts';
import { gateClient } from '../../src/targets/gate/gate.ts';
import { gateScriptPath } from '../../src/targets/gate/gateScript.ts';
import { openOfferServer } from '../../src/targets/kubernetes/offerServer.ts';
import type { Segment } from '../../src/transfer/segment.ts';
import { VolumeFull } from '../../src/transfer/volumeFull.ts';
import { dataPath, ownUser, shells, temporaryDirectory } from './gateVolume.ts';
import { file, hostileTree, segmentOf, tarOf as startTar } from './landingTree.ts';

/** The names of all that is no directory: those for what is to come are made before it comes. */
function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory()).map(({ name }) => name);
}

/** Made when it is fetched: Node throws away what a program that has ended left unread. */
function tarOf(directory: string, segment: Segment): Readable {
  return Readable.from(inOnePiece(directory, segment));
}

async function* inOnePiece(directory: string, segment: Segment): AsyncIterable<Buffer> {
  yield await buffer(startTar(directory, segment));
}

const closedPort = '127.0.0.1:9';

/** busybox's shell has a head of its own, which takes more than it is told to: it never was one to receive. */
const receivingShells = shells.filter((words) => ['dash', 'bash'].includes(words.join(' ')));

/** A volume with an open landing area, and a server of offers beside it. */
async function opened(shell: readonly string[], { path }: { readonly path?: string } = {}) {
  const root = temporaryDirectory();
  const environment = path === undefined ? {} : { PATH: path };
  const client = (more: Readonly<Record<string, string>>) => gateClient({ machine: thisComputer(), script: [...shell, gateScriptPath], environment: more, root, owner: ownUser() });
  await client({}).open('r1');
  const server = await openOfferServer();
  onTestFinished(() => server.close());
  const place = `127.0.0.1:${server.port}`;
  const receipts = join(root, '.plexlift/r1/receipts');
  return { gate: client(environment), server, place, landing: join(root, '.plexlift/r1', dataPath), hasList: (name: string) => existsSync(join(receipts, `${name}.list`)) };
}

describe.each(receivingShells.map((shell) => ({ name: shell.join(' '), shell })))('under $name', ({ shell }) => {
  function sourceOf(make: (directory: string) => void): { readonly source: string; readonly segment: Segment } {
    const source = temporaryDirectory();
    make(source);
    return { source, segment: segmentOf(source, { name: 's1', owner: ownUser() }) };
  }

  const large = () => sourceOf((directory) => file(join(directory, 'a/large'), 'large '.repeat(400_000)));

  test('what is fetched arrives, and its receipt is the digest of what was sent', async () => {
    const { gate, server, place } = await opened(shell);
    const { source, segment } = sourceOf(hostileTree);
    await gate.fetch(segment, { ...server.offer(tarOf(source, segment)), place });
    const sent = createHash('sha256').update(await buffer(tarOf(source, segment))).digest('hex');
    expect(await gate.receiptOf(segment)).toMatchObject({ segment: 's1', sha256: sent });
  });

  test('what stands in the way is replaced', async () => {
    const { gate, server, place, landing } = await opened(shell);
    const { source, segment } = sourceOf((directory) => file(join(directory, 'a/one'), 'one'));
    const outside = temporaryDirectory();
    symlinkSync(outside, join(landing, 'a'));
    await gate.fetch(segment, { ...server.offer(tarOf(source, segment)), place });
    expect(readdirSync(outside)).toEqual([]);
    expect(readFileSync(join(landing, 'a/one'), 'utf8')).toBe('one');
  });

  test.each([
    ['with another key', { pin: createHash('sha256').digest('base64') }],
    ['under another token', { token: 'A'.repeat(43) }],
    ['where nobody listens', { place: closedPort }],
  ])('nothing is fetched %s', async (_what, wrong) => {
    const { gate, server, place, landing, hasList } = await opened(shell);
    const { source, segment } = large();
    const tar = tarOf(source, segment);
    await expect(gate.fetch(segment, { ...server.offer(tar), place, ...wrong })).rejects.toMatchObject({ reason: 'fetch' });
    expect([filesBelow(landing), hasList('s1'), await gate.receiptOf(segment), tar.destroyed]).toEqual([[], false, null, true]);
  });

  test('an offer that would give curl more than an address is refused', async () => {
    const { gate, server, place } = await opened(shell);
    const { source, segment } = large();
    await expect(gate.fetch(segment, { ...server.offer(tarOf(source, segment)), place: `${place}"` })).rejects.toMatchObject({ reason: 'input' });
  });

  test.each([0, 1, 10_240, 1_000_000])('a connection that breaks after %d bytes leaves no list and no receipt', async (length) => {
    const { gate, server, place, hasList } = await opened(shell);
    const { source, segment } = large();
    const whole = await buffer(tarOf(source, segment));
    const tar = new PassThrough();
    tar.write(whole.subarray(0, length));
    setTimeout(() => void server.close(), 1_000);
    await expect(gate.fetch(segment, { ...server.offer(tar), place })).rejects.toMatchObject({ reason: 'fetch' });
    expect([hasList('s1'), await gate.receiptOf(segment)]).toEqual([false, null]);
  });

  test('a tar that ends early in good order leaves no list and no receipt', async () => {
    const { gate, server, place, hasList } = await opened(shell);
    const { source, segment } = large();
    const whole = await buffer(tarOf(source, segment));
    await expect(gate.fetch(segment, { ...server.offer(Readable.from([whole.subarray(0, 700_000)])), place })).rejects.toMatchObject({ reason: 'failed', message: expect.stringContaining('tar exited') as unknown });
    expect([hasList('s1'), await gate.receiptOf(segment)]).toEqual([false, null]);
  });

  test('a source that fails ends it at once, with what the source said', async () => {
    const { gate, server, place, hasList } = await opened(shell);
    const { segment } = large();
    const tar = new PassThrough();
    tar.write(Buffer.alloc(512));
    setTimeout(() => tar.destroy(new Error('the source is gone')), 1_000);
    await expect(gate.fetch(segment, { ...server.offer(tar), place })).rejects.toThrow('the source is gone');
    await expect.poll(() => gate.open('r1').then(({ phase }) => phase), { timeout: 10_000 }).toBe('landing');
    expect(hasList('s1')).toBe(false);
  });

  test('a volume that refuses is told as such, not as a failure to fetch', async () => {
    const { gate, server, place } = await opened(shell, { path: pathWith('tar', 'cat >/dev/null & sleep 0.3; echo "tar: x: Cannot write: No space left on device" >&2; exit 2') });
    const { source, segment } = large();
    await expect(gate.fetch(segment, { ...server.offer(tarOf(source, segment)), place })).rejects.toBeInstanceOf(VolumeFull);
  });

  test('without curl it says so', async () => {
    const { gate, server, place } = await opened(shell, { path: pathWithout('curl') });
    const { source, segment } = large();
    await expect(gate.fetch(segment, { ...server.offer(tarOf(source, segment)), place })).rejects.toMatchObject({ reason: 'tool' });
    await expect(gate.reach({ pin: server.pin, token: server.greeting }, [place])).rejects.toMatchObject({ reason: 'tool' });
  });

});

describe.each(shells.map((shell) => ({ name: shell.join(' '), shell })))('under $name', ({ shell }) => {
  test('of some places, the one that answers with the right key is reached', async () => {
    const { gate, server, place } = await opened(shell);
    const stranger = await openOfferServer();
    onTestFinished(() => stranger.close());
    const places = [closedPort, `127.0.0.1:${stranger.port}`, place, '[::1]:9'];
    expect(await gate.reach({ pin: server.pin, token: server.greeting }, places)).toBe(place);
    expect(await gate.reach({ pin: server.pin, token: stranger.greeting }, places)).toBeNull();
    expect(await gate.reach({ pin: stranger.pin, token: server.greeting }, places)).toBeNull();
    expect(await gate.reach({ pin: server.pin, token: server.greeting }, [])).toBeNull();
  });
});

/** A PATH on which a program is something else. */
function pathWith(program: string, script: string): string {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, program), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return `${directory}:${process.env['PATH'] ?? ''}`;
}

/** A PATH with all that is on the present one but for a program. */
function pathWithout(program: string): string {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, 'bin'));
  for (const place of ['/usr/bin', '/bin']) {
    for (const name of readdirSync(place)) {
      rmSync(join(directory, 'bin', name), { force: true });
      if (name !== program) symlinkSync(join(place, name), join(directory, 'bin', name));
    }
  }
  return join(directory, 'bin');
}
