import { writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { command, CommandFailed } from '../../../src/machines/command.ts';
import { thisComputer } from '../../../src/machines/localMachine.ts';
import type { Machine } from '../../../src/machines/machine.ts';
import type { Finding } from '../../../src/runner/check.ts';
import { gateClient } from '../../../src/targets/gate/gate.ts';
import { GateFailed } from '../../../src/targets/gate/gateFailure.ts';
import { gateScriptPath } from '../../../src/targets/gate/gateScript.ts';
import { directLane } from '../../../src/targets/kubernetes/directLane.ts';
import { kubernetesTarget } from '../../../src/targets/kubernetes/target.ts';
import { StreamStalled } from '../../../src/transfer/attempt.ts';
import type { Segment } from '../../../src/transfer/segment.ts';
import { ownUser, temporaryDirectory } from '../gateVolume.ts';
import { file, segmentOf, tarOf } from '../landingTree.ts';
import { listOf, pod, statefulSet } from './fakeCluster.ts';

const hasNetwork = Object.values(networkInterfaces()).flat().some((address) => address?.internal === false);

/** A machine whose kubectl knows one release, and carries out here, on a volume of its own, what is to be carried out in its pod. */
async function release({ curl }: { readonly curl?: string } = {}) {
  const root = temporaryDirectory();
  const here = thisComputer();
  const owner = ownUser();
  await gateClient({ machine: here, script: ['sh', gateScriptPath], root, owner }).open('r1');
  const programs = temporaryDirectory();
  if (curl !== undefined) writeFileSync(join(programs, 'curl'), `#!/bin/sh\n${curl}\n`, { mode: 0o755 });
  const verbs: string[] = [];
  const machine: Machine = {
    name: 'this computer',
    run: ({ arguments: words }) => Promise.resolve({ exitCode: 0, stdout: words.includes('statefulsets') ? listOf(statefulSet()) : JSON.stringify(pod()), stderr: '' }),
    open({ arguments: words }, options) {
      const inner = words.slice(words.indexOf('--') + 1);
      const script = inner.indexOf('/config/.plexlift/gate.sh');
      verbs.push(inner[script + 1] ?? '');
      const environment = { PLEXLIFT_ROOT: root, PLEX_UID: String(owner.uid), PLEX_GID: String(owner.gid), PATH: `${programs}:${process.env['PATH'] ?? ''}` };
      return here.open({ program: 'sh', arguments: [gateScriptPath, ...inner.slice(script + 1)], environment }, options);
    },
  };
  const told: { readonly name: string; readonly finding: Finding }[] = [];
  function target({ direct }: { readonly direct?: boolean } = {}) {
    const made = kubernetesTarget(machine, { namespace: 'plex', release: 'plex', kubectl: 'kubectl', helm: 'helm', direct, tell: ({ name }, finding) => told.push({ name, finding }) });
    onTestFinished(() => made.close());
    return made;
  }
  return { target, verbs, told };
}

async function somethingToSend(): Promise<{ readonly segment: Segment; tar(): Readable }> {
  const source = temporaryDirectory();
  file(join(source, 'a/one'), 'one '.repeat(100_000));
  const segment = segmentOf(source, { name: 's1', owner: ownUser() });
  const tar = await buffer(tarOf(source, segment));
  return { segment, tar: () => Readable.from([tar]) };
}

describe('a release', () => {
  test.skipIf(!hasNetwork)('fetches every segment where it reaches this computer, which is told once', async () => {
    const { target, verbs, told } = await release();
    const [{ segment, tar }, to] = [await somethingToSend(), target()];
    await Promise.all([to.receive(segment, tar()), to.receive({ ...segment, name: 's2' }, tar())]);
    expect((await to.receiptOf(segment))?.segment).toBe('s1');
    expect(verbs).toEqual(['reach', 'fetch', 'fetch', 'receipt']);
    expect(told).toEqual([{ name: 'direct-lane', finding: { status: 'pass', detail: expect.stringMatching(/directly \(.+:\d+, TLS\)/) } }]);
  });

  test.each([
    ['reaches nothing', 'exit 7', 'cannot reach this computer'],
    ['has no usable curl', 'exit 2', 'cannot reach this computer'],
  ])('that %s gets it through kubectl exec, which is told once', async (_what, curl, says) => {
    const { target, verbs, told } = await release({ curl });
    const [{ segment, tar }, to] = [await somethingToSend(), target()];
    for (const name of ['s1', 's2']) await to.receive({ ...segment, name }, tar());
    expect(await to.receiptOf(segment)).not.toBeNull();
    expect(verbs).toEqual(['reach', 'receive', 'receive', 'receipt']);
    expect(told).toEqual([{ name: 'direct-lane', finding: { status: 'skip', reason: expect.stringContaining(says) } }]);
  });

  test.skipIf(!hasNetwork)('whose fetching breaks gets the rest through kubectl exec, and the failure is told once', async () => {
    const { target, verbs, told } = await release({ curl: 'case "$*" in *--max-time*) exit 0 ;; esac; echo "curl: (56) Connection reset by peer" >&2; exit 56' });
    const [{ segment, tar }, to] = [await somethingToSend(), target()];
    const failed = await Promise.allSettled(['s1', 's2'].map((name) => to.receive({ ...segment, name }, tar())));
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await to.receive(segment, tar());
    expect(await to.receiptOf(segment)).not.toBeNull();
    expect(verbs).toEqual(['reach', 'fetch', 'fetch', 'receive', 'receipt']);
    expect(told.map(({ finding }) => finding.status)).toEqual(['pass', 'warn']);
  });

  test('that is not to fetch is never asked to', async () => {
    const { target, verbs, told } = await release();
    const [{ segment, tar }, to] = [await somethingToSend(), target({ direct: false })];
    await to.receive(segment, tar());
    expect([verbs, told]).toEqual([['receive'], []]);
  });
});

describe('a lane', () => {
  function lane({ reached }: { readonly reached: boolean }) {
    const told: Finding[] = [];
    const asked: (readonly string[])[] = [];
    const reach = async (_way: unknown, places: readonly string[]): Promise<string | null> => {
      asked.push(places);
      return Promise.resolve(reached ? (places[0] ?? null) : null);
    };
    const made = directLane({ wanted: true, reach, tell: (finding) => told.push(finding), addresses: () => Promise.resolve(['127.0.0.1', '[::1]']) });
    onTestFinished(() => made.close());
    return { lane: made, told, asked };
  }

  const answers = (place: string | undefined): Promise<boolean> => fetch(`https://${place ?? ''}/`).then(() => true, (error: { readonly cause?: { readonly code?: string } }) => error.cause?.code !== 'ECONNREFUSED');

  test('listens from the first offer until it is closed', async () => {
    const { lane: made, asked } = lane({ reached: true });
    expect(asked).toEqual([]);
    expect(await made.offer(Readable.from([]))).toMatchObject({ place: asked[0]?.[0] });
    expect(asked[0]?.[1]).toMatch(/^\[::1\]:\d+$/);
    expect(await answers(asked[0]?.[0])).toBe(true);
    await made.close();
    expect(await answers(asked[0]?.[0])).toBe(false);
    expect(await made.offer(Readable.from([]))).toBeNull();
  });

  test('that nobody reaches stops listening at once', async () => {
    const { lane: made, asked } = lane({ reached: false });
    expect(await made.offer(Readable.from([]))).toBeNull();
    expect(await answers(asked[0]?.[0])).toBe(false);
  });

  test.each([
    ['a stream that stands still', new StreamStalled('No byte passed for 90 s, after 3 bytes'), true],
    ['what could not be fetched', new GateFailed('fetch', 'Cannot fetch segment "s1": curl exited with 56', { facts: [] }), true],
    ['an exit code that came without words', new CommandFailed({ machine: 'pod', command: command('sh'), exitCode: 19, reason: 'it exited with 19', stderr: '' }, 'remedy'), true],
    ['kubectl that failed by itself', new CommandFailed({ machine: 'pod', command: command('sh'), exitCode: 1, reason: 'it exited with 1', stderr: '' }, 'remedy'), false],
    ['a volume that refuses', new GateFailed('failed', 'Cannot extract segment "s1": tar exited with 2', { facts: [] }), false],
    ['a source that failed', new Error('The tar broke off after 3 bytes'), false],
  ])('judges %s', async (_what, failure, isOfTheLane) => {
    const { lane: made, told } = lane({ reached: true });
    await made.offer(Readable.from([]));
    expect([made.judge(failure), made.judge(failure)]).toEqual([isOfTheLane, isOfTheLane]);
    expect((await made.offer(Readable.from([]))) === null).toBe(isOfTheLane);
    expect(told.map(({ status }) => status)).toEqual(isOfTheLane ? ['pass', 'warn'] : ['pass']);
  });
});
