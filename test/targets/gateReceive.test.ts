import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, readdirSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { command } from '../../src/machines/command.ts';
import { thisComputer } from '../../src/machines/localMachine.ts';
import { gateClient } from '../../src/targets/gate/gate.ts';
import type { Gate } from '../../src/targets/gate/gate.ts';
import { gateScriptPath } from '../../src/targets/gate/gateScript.ts';
import { bytePath, bytePathOfText, bytesOf } from '../../src/transfer/entry.ts';
import type { Entry, Owner } from '../../src/transfer/entry.ts';
import type { Segment } from '../../src/transfer/segment.ts';
import { dataPath, ownUser, temporaryDirectory } from './gateVolume.ts';
import { entriesOf, file, hostileTree, segmentOf, tarOf } from './landingTree.ts';

const nobody: Owner = { uid: 65_534, gid: 65_534 };
const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'];
const isRoot = ownUser().uid === 0;

interface Opened {
  readonly root: string;
  readonly gate: Gate;
  readonly landing: string;
}

/** A volume with an open landing area; `eyes` are words that change who the script runs as. */
async function openVolume(options: { readonly owner?: Owner; readonly eyes?: readonly string[] } = {}): Promise<Opened> {
  const root = temporaryDirectory();
  if (options.eyes !== undefined) chownSync(root, nobody.uid, nobody.gid);
  const script = [...(options.eyes ?? []), 'sh', gateScriptPath];
  const gate = gateClient({ machine: thisComputer(), script, root, owner: options.owner ?? ownUser() });
  await gate.open('r1');
  return { root, gate, landing: join(root, '.plexlift/r1', dataPath) };
}

async function sha256Of(stream: Readable): Promise<string> {
  return createHash('sha256').update(await buffer(stream)).digest('hex');
}

async function allOf<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

function withoutChangeTime(entries: readonly Entry[]): unknown[] {
  return entries.map(({ path, type, sizeBytes, modifiedAtSeconds, mode, linkTarget }) => ({ path, type, size: type === 'directory' ? 0 : sizeBytes, modifiedAtSeconds, mode, linkTarget })).sort((one, other) => (one.path < other.path ? -1 : 1));
}

const people = [
  { who: 'as whoever runs the tests', options: {} },
  ...(isRoot ? [{ who: 'as root for another owner', options: { owner: nobody } }, { who: 'as an ordinary user', options: { owner: nobody, eyes: asNobody } }] : []),
];

describe.each(people)('a segment received $who', ({ options }) => {
  test('arrives byte by byte, whatever its names, and its receipt is the digest of what was sent', async () => {
    const source = temporaryDirectory();
    hostileTree(source);
    const { gate, landing } = await openVolume(options);
    const segment = segmentOf(source, { name: 's1', owner: options.owner ?? ownUser() });
    expect(segment.entries.length).toBeGreaterThan(40);
    const told = await gate.receive(segment, tarOf(source, segment));
    const sent = await sha256Of(tarOf(source, segment));
    expect(told).toMatchObject({ segment: 's1', sha256: sent });
    expect(await gate.receiptOf(segment)).toEqual(told);
    const landed = await allOf(gate.landed());
    expect(withoutChangeTime(landed)).toEqual(withoutChangeTime(segment.entries));
    for (const entry of segment.entries) {
      const at = (place: string): Buffer => Buffer.concat([Buffer.from(`${place}/`), bytesOf(entry.path)]);
      const { uid, gid } = lstatSync(at(landing));
      expect({ uid, gid }).toEqual(segment.owner);
      expect(entry.type !== 'file' || readFileSync(at(landing)).equals(readFileSync(at(source)))).toBe(true);
    }
    const files = segment.entries.filter((entry) => entry.type === 'file').map((entry) => entry.path);
    const digests = await gate.digestsOf([...files, bytePathOfText('link'), bytePathOfText('link/ünïcode'), bytePathOfText('not there')]);
    expect([...digests.keys()].sort()).toEqual([...files].sort());
    for (const path of files) expect(digests.get(path)).toBe(createHash('sha256').update(readFileSync(Buffer.concat([Buffer.from(`${source}/`), bytesOf(path)]))).digest('hex'));
    await gate.remove([...segment.entries.map((entry) => entry.path), bytePathOfText('never/there')]);
    expect(await allOf(gate.landed())).toEqual([]);
  });
});

describe('what is no receipt', () => {
  async function received() {
    const source = temporaryDirectory();
    file(join(source, 'a/one'), '1');
    file(join(source, 'a/two'), '2');
    const volume = await openVolume();
    const segment = segmentOf(source, { name: 's1', owner: ownUser() });
    await volume.gate.receive(segment, tarOf(source, segment));
    // The receipt that was made at once is kept; without it, what lies there is looked at when it is asked for.
    const kept = join(volume.root, '.plexlift/r1/receipts/s1.sha256');
    unlinkSync(kept);
    return { ...volume, source, segment, kept, sent: await sha256Of(tarOf(source, segment)) };
  }

  test('a segment that was never received', async () => {
    const { gate, segment } = await received();
    expect(await gate.receiptOf({ ...segment, name: 's2' })).toBeNull();
  });

  test('one of which a file is gone', async () => {
    const { gate, landing, segment } = await received();
    unlinkSync(join(landing, 'a/one'));
    expect(await gate.receiptOf(segment)).toBeNull();
  });

  test.each([
    ['content', (path: string) => writeFileSync(path, 'x')],
    ['mode', (path: string) => chmodSync(path, 0o600)],
    ['time', (path: string) => spawnSync('touch', ['-d', '@1600000000', path])],
  ])('one whose %s differs has another digest', async (_, change) => {
    const { gate, landing, segment, sent } = await received();
    change(join(landing, 'a/one'));
    expect((await gate.receiptOf(segment))?.sha256).not.toBe(sent);
  });

  test.skipIf(!isRoot)('one whose owner differs has another digest', async () => {
    const { gate, landing, segment, sent } = await received();
    chownSync(join(landing, 'a/one'), 12, 13);
    expect((await gate.receiptOf(segment))?.sha256).not.toBe(sent);
  });

  test.each([
    ['in another order than its list', (entries: readonly Entry[]) => entries.toReversed()],
    ['that lacks a member of its list', (entries: readonly Entry[]) => entries.slice(1)],
  ])('a tar %s', async (_, membersOf) => {
    const { gate, source, segment } = await received();
    await gate.remove(segment.entries.map((entry) => entry.path));
    const other = { ...segment, entries: membersOf(segment.entries) };
    await expect(gate.receive(segment, tarOf(source, other))).rejects.toMatchObject({ reason: 'failed' });
    expect(await gate.receiptOf(segment)).toBeNull();
  });

  test('a tar with more than its list: what is not on the list does not arrive', async () => {
    const { gate, landing, source, segment } = await received();
    await gate.remove(segment.entries.map((entry) => entry.path));
    file(join(source, 'a/one and a half'), 'stranger');
    const more = segmentOf(source, { name: 's1', owner: ownUser() });
    expect(more.entries.length).toBe(segment.entries.length + 1);
    await gate.receive(segment, tarOf(source, more)).catch(() => undefined);
    expect(existsSync(join(landing, 'a/one and a half'))).toBe(false);
  });

  test.each([0, 511, 512, 700, 1024, 1536, 2048])('a stream that was cut off after %d bytes', async (kept) => {
    const { gate, source, segment } = await received();
    await gate.remove(segment.entries.map((entry) => entry.path));
    const whole = await buffer(tarOf(source, segment));
    await gate.receive(segment, Readable.from([whole.subarray(0, kept)])).catch(() => undefined);
    expect(await gate.receiptOf(segment)).toBeNull();
  });

  test('one that is being received again', async () => {
    const { gate, source, segment, sent } = await received();
    expect((await gate.receiptOf(segment))?.sha256).toBe(sent);
    const stalled = new PassThrough();
    const receiving = gate.receive(segment, stalled);
    await expect.poll(() => gate.receiptOf(segment), { timeout: 5_000 }).toBeNull();
    stalled.end(await buffer(tarOf(source, segment)));
    await receiving;
    expect((await gate.receiptOf(segment))?.sha256).toBe(sent);
  });

  test('one of another boot: it is made again', async () => {
    const { gate, landing, segment, kept, sent } = await received();
    expect((await gate.receiptOf(segment))?.sha256).toBe(sent);
    const line = readFileSync(kept, 'utf8');
    writeFileSync(join(landing, 'a/one'), '');
    expect((await gate.receiptOf(segment))?.sha256).toBe(sent);
    writeFileSync(kept, line.replace(/ [0-9a-f-]+\//, ' 00000000-0000-0000-0000-000000000000/'));
    expect((await gate.receiptOf(segment))?.sha256).not.toBe(sent);
  });
});

describe('the receipt that is told at the end of receiving', () => {
  async function furnished() {
    const source = temporaryDirectory();
    file(join(source, 'a/one'), '1');
    const volume = await openVolume();
    const segment = segmentOf(source, { name: 's1', owner: ownUser() });
    return { ...volume, source, segment, sent: await sha256Of(tarOf(source, segment)) };
  }

  /** The gate over a connection through which only what `filter` lets pass comes back. */
  function gateThrough(root: string, filter: string): Gate {
    return gateClient({ machine: thisComputer(), script: ['sh', '-c', `sh "$0" "$@" | ${filter}`, gateScriptPath], root, owner: ownUser() });
  }

  /** The gate where this happens before tar makes anything, and so before the receipt. */
  function gateThatFirst(shellWords: string, { root, tools }: { readonly root: string; readonly tools: string }): Gate {
    writeFileSync(join(tools, 'tar'), `#!/bin/sh\ncase " $* " in *" --create "*) ${shellWords} ;; esac\nPATH=\${PATH#*:} exec tar "$@"\n`, { mode: 0o755 });
    return gateClient({ machine: thisComputer(), script: ['sh', gateScriptPath], root, owner: ownUser(), environment: { PATH: `${tools}:${process.env['PATH'] ?? ''}` } });
  }

  test.each([
    ['the closing line', 'sed "/^end/d"'],
    ['everything', 'cat >/dev/null'],
    ['half of a line', 'head -c 30'],
  ])('counts for nothing where %s of it was lost on the way, and is there to be asked for', async (_what, filter) => {
    const { root, gate, source, segment, sent } = await furnished();
    expect(await gateThrough(root, filter).receive(segment, tarOf(source, segment))).toBeNull();
    expect((await gate.receiptOf(segment))?.sha256).toBe(sent);
  });

  test('is not waited for by who does not tell the owner, nor made', async () => {
    const { root, gate, source, segment, sent } = await furnished();
    const lists = [segment.entries, segment.entries.filter(({ type }) => type === 'directory')].map((list) => Buffer.concat(list.map(({ path }) => Buffer.from(`${path}\0`))));
    const input = Buffer.concat([...lists, await buffer(tarOf(source, segment))]);
    const done = spawnSync('sh', [gateScriptPath, 'receive', 's1', ...lists.map(({ length }) => String(length))], { env: { ...process.env, PLEXLIFT_ROOT: root }, input, encoding: 'utf8' });
    expect(done).toMatchObject({ status: 0, stdout: 'end\n' });
    expect(existsSync(join(root, '.plexlift/r1/receipts/s1.sha256'))).toBe(false);
    expect((await gate.receiptOf(segment))?.sha256).toBe(sent);
  });

  test('is none where what arrived is gone by then: who asks is told what is missing', async () => {
    const { root, gate, landing, source, segment } = await furnished();
    const losing = gateThatFirst(`rm -f '${landing}/a/one'`, { root, tools: temporaryDirectory() });
    expect(await losing.receive(segment, tarOf(source, segment))).toBeNull();
    expect(await gate.receiptOf(segment)).toBeNull();
  });

  test('may be asked for while it is made, by who lost the connection', async () => {
    const { root, gate, source, segment, sent } = await furnished();
    const tools = temporaryDirectory();
    const slow = gateThatFirst(`touch '${tools}/making'; while [ ! -e '${tools}/go' ]; do sleep 0.1; done`, { root, tools });
    const receiving = slow.receive(segment, tarOf(source, segment));
    await vi.waitUntil(() => existsSync(join(tools, 'making')), { timeout: 10_000 });
    expect((await gate.receiptOf(segment))?.sha256).toBe(sent);
    writeFileSync(join(tools, 'go'), '');
    expect((await receiving)?.sha256).toBe(sent);
  });
});

describe('nothing is received', () => {
  function segment(name: string, ...paths: readonly string[]): Segment {
    const entries = paths.map((path): Entry => ({ path: bytePath(Buffer.from(path)), type: 'file', sizeBytes: 1, modifiedAtSeconds: 0, changedAt: '0', mode: 0o644 }));
    return { name, owner: ownUser(), entries };
  }

  test.each(['/etc/x', '../x', 'a/../../x', 'a/..', '..', '.', './a', 'a//b', 'a/', ''])('under the name "%s"', async (name) => {
    const { root, gate } = await openVolume();
    await expect(gate.receive(segment('s1', 'good', name), Readable.from([Buffer.alloc(10_240)]))).rejects.toMatchObject({ reason: 'input' });
    expect(readdirSync(root)).toEqual(['.plexlift']);
  });

  test('under a name that was not asked for', async () => {
    const source = temporaryDirectory();
    for (const name of ['asked', 'not asked', 'directory/not asked']) file(join(source, name), name);
    const { gate, landing } = await openVolume();
    const everything = segmentOf(source, { name: 's1', owner: ownUser() });
    const asked = segmentOf(source, { name: 's1', owner: ownUser(), only: (entry) => entry.path === 'asked' || entry.path === 'directory' });
    await gate.receive(asked, tarOf(source, everything));
    expect((await allOf(gate.landed())).map((entry) => entry.path).sort()).toEqual(['asked', 'directory']);
    expect(existsSync(join(landing, 'not asked'))).toBe(false);
  });

  test('through a link that lies in the landing area: the link goes, what it leads to stays', async () => {
    const source = temporaryDirectory();
    const outside = temporaryDirectory();
    for (const name of ['linked/below/new', 'leaf']) file(join(source, name), 'from the source');
    file(join(outside, 'precious'), 'precious');
    const { gate, landing } = await openVolume();
    symlinkSync(outside, join(landing, 'linked'));
    symlinkSync(join(outside, 'precious'), join(landing, 'leaf'));
    const sent = segmentOf(source, { name: 's1', owner: ownUser(), only: (entry) => entry.type !== 'directory' });
    await gate.receive(sent, tarOf(source, sent));
    expect(readdirSync(outside)).toEqual(['precious']);
    expect(readFileSync(join(outside, 'precious'), 'utf8')).toBe('precious');
    expect(lstatSync(join(landing, 'linked')).isDirectory()).toBe(true);
    expect((await gate.receiptOf(sent))?.sha256).toBe(await sha256Of(tarOf(source, sent)));
  });

  test('through a link that comes with the same tar', async () => {
    const outside = temporaryDirectory();
    const linkSide = temporaryDirectory();
    const fileSide = temporaryDirectory();
    symlinkSync(outside, join(linkSide, 'way'));
    file(join(fileSide, 'way/in'), 'intruder');
    const tars = [join(linkSide, 'tar'), join(fileSide, 'tar')];
    spawnSync('tar', ['--create', '--format=gnu', '-f', tars[0] ?? '', '-C', linkSide, 'way']);
    spawnSync('tar', ['--create', '--format=gnu', '-f', tars[1] ?? '', '-C', fileSide, 'way/in']);
    spawnSync('tar', ['--concatenate', '-f', tars[0] ?? '', tars[1] ?? '']);
    const { gate } = await openVolume();
    await gate.receive(segment('s1', 'way', 'way/in'), Readable.from([readFileSync(tars[0] ?? '')])).catch(() => undefined);
    expect(readdirSync(outside)).toEqual([]);
  });

  test('into the landing area of a run that is not open', async () => {
    const { root, gate } = await openVolume();
    writeFileSync(join(root, '.plexlift/state'), readFileSync(join(root, '.plexlift/state'), 'utf8').replace('phase landing', 'phase published'));
    await expect(gate.receive(segment('s1', 'a'), Readable.from([Buffer.alloc(10_240)]))).rejects.toMatchObject({ reason: 'phase' });
  });

  test('by remove: it does not reach through links, and a directory goes with all that is in it', async () => {
    const outside = temporaryDirectory();
    file(join(outside, 'precious'), 'precious');
    const { gate, landing } = await openVolume();
    symlinkSync(outside, join(landing, 'way'));
    file(join(landing, 'directory/below/unknown'), 'x');
    await gate.remove([bytePathOfText('way/precious'), bytePathOfText('directory')]);
    expect(readlinkSync(join(landing, 'way'))).toBe(outside);
    expect(existsSync(join(landing, 'directory'))).toBe(false);
    await gate.remove([bytePathOfText('way')]);
    expect(readFileSync(join(outside, 'precious'), 'utf8')).toBe('precious');
    await expect(gate.remove([bytePathOfText('../../../../Library')])).rejects.toMatchObject({ reason: 'input' });
  });
});

describe('what stands in the way', () => {
  test.each([
    { was: 'directory', becomes: 'file' },
    { was: 'directory', becomes: 'link' },
    { was: 'file', becomes: 'directory' },
    { was: 'link', becomes: 'directory' },
    { was: 'link', becomes: 'file' },
    { was: 'file', becomes: 'link' },
    { was: 'file', becomes: 'empty directory' },
    { was: 'link', becomes: 'empty directory' },
    { was: 'link to a directory', becomes: 'empty directory' },
    { was: 'link to a directory', becomes: 'directory' },
  ])('a $was that is now a $becomes is replaced', async ({ was, becomes }) => {
    const source = temporaryDirectory();
    function make(kind: string): void {
      rmSync(join(source, 'thing'), { recursive: true, force: true });
      if (kind === 'directory') file(join(source, 'thing/inside'), 'inside');
      if (kind === 'file') file(join(source, 'thing'), 'file');
      if (kind === 'link') symlinkSync('elsewhere', join(source, 'thing'));
      if (kind === 'empty directory') mkdirSync(join(source, 'thing'));
      if (kind === 'link to a directory') symlinkSync('/usr', join(source, 'thing'));
    }
    const { gate } = await openVolume();
    for (const [position, kind] of [was, becomes].entries()) {
      make(kind);
      const sent = segmentOf(source, { name: `s${position}`, owner: ownUser() });
      await gate.receive(sent, tarOf(source, sent));
      expect((await gate.receiptOf(sent))?.sha256).toBe(await sha256Of(tarOf(source, sent)));
    }
    expect(withoutChangeTime(await allOf(gate.landed()))).toEqual(withoutChangeTime(entriesOf(source)));
  });
});

describe('receivers', () => {
  test('two at once are normal, also where both need directories that neither finds', async () => {
    const { gate } = await openVolume();
    // What each makes first decides; one round alone would seldom meet it.
    for (let round = 0; round < 8; round++) {
      const source = temporaryDirectory();
      for (let number = 0; number < 60; number++) file(join(source, `${round}/${number % 7}/${number}`), `content ${number}`);
      const halves = [0, 1].map((half) => segmentOf(source, { name: `s${half}`, owner: ownUser(), only: (entry) => entry.type === 'file' && Number(entry.path.split('/')[2]) % 2 === half }));
      await Promise.all(halves.map((half) => gate.receive(half, tarOf(source, half))));
      for (const half of halves) expect((await gate.receiptOf(half))?.sha256).toBe(await sha256Of(tarOf(source, half)));
    }
  });

  test('one that hangs is ended by the next try of the same segment', async () => {
    const source = temporaryDirectory();
    file(join(source, 'a'), 'a');
    const { gate } = await openVolume();
    const sent = segmentOf(source, { name: 's1', owner: ownUser() });
    const hanging = gate.receive(sent, new PassThrough()).then(() => 'ended well', () => 'ended');
    await expect.poll(() => gate.receiptOf(sent).then((receipt) => receipt)).toBeNull();
    await new Promise((resolve) => setTimeout(resolve, 300));
    await gate.receive(sent, tarOf(source, sent));
    expect(await hanging).toBe('ended');
    expect((await gate.receiptOf(sent))?.sha256).toBe(await sha256Of(tarOf(source, sent)));
  });

  test.each([
    ['before the lists have come', 0],
    ['in the middle of the tar, and whose tar was stopped besides,', 30_000],
  ])('one whose connection stands still %s ends by itself', async (_when, sentBytes) => {
    const source = temporaryDirectory();
    file(join(source, 'a'), 'a'.repeat(50_000));
    const { root, gate } = await openVolume();
    const sent = segmentOf(source, { name: 's1', owner: ownUser() });
    const receiver = spawn('sh', [gateScriptPath, 'receive', 's1', '2', '0'], { env: { ...process.env, PLEXLIFT_ROOT: root, PLEXLIFT_STALL_SECONDS: '1' }, stdio: ['pipe', 'ignore', 'ignore'] });
    onTestFinished(() => void receiver.kill('SIGKILL'));
    const ended = once(receiver, 'exit');
    if (sentBytes > 0) {
      receiver.stdin.write('a\0');
      receiver.stdin.write((await buffer(tarOf(source, sent))).subarray(0, sentBytes));
      await vi.waitUntil(() => existsSync(join(root, '.plexlift/r1', dataPath, 'a')), { timeout: 5_000 });
      process.kill(Number(spawnSync('pgrep', ['-P', String(receiver.pid), 'tar'], { encoding: 'utf8' }).stdout), 'SIGSTOP');
    }
    expect(await ended).toEqual([1, null]);
    expect(spawnSync('pgrep', ['-f', root], { encoding: 'utf8' }).stdout).toBe('');
    expect(await gate.receiptOf(sent)).toBeNull();
  });

  test('publish ends them all, keeps new ones out, and nothing is written after the rename', async () => {
    const source = temporaryDirectory();
    for (const name of ['a', 'b']) file(join(source, name), name.repeat(100_000));
    const { root, gate } = await openVolume();
    const first = segmentOf(source, { name: 's1', owner: ownUser(), only: (entry) => entry.path === 'a' });
    await gate.receive(first, tarOf(source, first));
    const second = segmentOf(source, { name: 's2', owner: ownUser(), only: (entry) => entry.path === 'b' });
    const whole = await buffer(tarOf(source, second));
    const stalled = new PassThrough();
    const hanging = gate.receive(second, stalled).then(() => 'ended well', () => 'ended');
    stalled.write(whole.subarray(0, 40_960));
    await expect.poll(() => existsSync(join(root, '.plexlift/r1', dataPath, 'b')), { timeout: 5_000 }).toBe(true);
    await gate.publish({ run: 'r1', existingLibrary: 'none', sentinels: [] });
    const published = lstatSync(join(root, dataPath, 'b')).size;
    stalled.end(whole.subarray(40_960));
    expect(await hanging).toBe('ended');
    expect(lstatSync(join(root, dataPath, 'b')).size).toBe(published);
    await expect(gate.receive(second, tarOf(source, second))).rejects.toMatchObject({ reason: 'phase' });
  });

  test('a source that is given up while it stalls ends the receiver, even one whose connection hangs', { timeout: 20_000 }, async () => {
    const real = thisComputer();
    const hanging = { ...real, open: () => real.open(command('sh', '-c', 'trap "" PIPE; cat >/dev/null; sleep 60')) };
    const gate = gateClient({ machine: hanging, script: ['sh', gateScriptPath], root: temporaryDirectory(), owner: ownUser() });
    const stalled = new PassThrough();
    const receiving = gate.receive({ name: 's1', owner: ownUser(), entries: [] }, stalled);
    stalled.destroy();
    await expect(receiving).rejects.toMatchObject({ kind: 'failed' });
  });

  test('a source that breaks off ends the receiver, and the source is what is named', async () => {
    const { gate } = await openVolume();
    const broken = new PassThrough();
    const receiving = gate.receive({ name: 's1', owner: ownUser(), entries: [] }, broken);
    broken.destroy(new Error('the source is gone'));
    await expect(receiving).rejects.toThrow('the source is gone');
  });
});

test.skipIf(!isRoot)('a landing area that cannot be written to fails with what tar said', async () => {
  const source = temporaryDirectory();
  file(join(source, 'a/b'), 'x');
  const { root, gate, landing } = await openVolume({ owner: nobody, eyes: asNobody });
  mkdirSync(join(landing, 'a'), { mode: 0o700 });
  const sent = segmentOf(source, { name: 's1', owner: nobody, only: (entry) => entry.type === 'file' });
  await expect(gate.receive(sent, tarOf(source, sent))).rejects.toMatchObject({ reason: 'failed', facts: expect.arrayContaining([expect.stringContaining('Permission denied')]) as unknown });
  expect(existsSync(join(root, '.plexlift/r1/receipts/s1.list'))).toBe(false);
});
