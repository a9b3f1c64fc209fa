import { mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { nulList } from '../../../src/targets/gate/gateCall.ts';
import { openOfferServer } from '../../../src/targets/kubernetes/offerServer.ts';
import type { OfferServer } from '../../../src/targets/kubernetes/offerServer.ts';
import { bytesOf } from '../../../src/transfer/entry.ts';
import { ownUser } from '../gateVolume.ts';
import { file, segmentOf, tarOf } from '../landingTree.ts';

let parts: Promise<readonly Buffer[]> | undefined;
let offers: Promise<OfferServer> | undefined;

/** What `receive` is sent for one and the same small segment: both lists, and the tar. */
export async function inputOfReceive(): Promise<readonly Buffer[]> {
  parts ??= partsOfSegment();
  return await parts;
}

/** The same for `fetch`: both lists, and an offer of the tar, which is good for once. */
export async function inputOfFetch(): Promise<readonly Buffer[]> {
  const [list = Buffer.of(), directories = Buffer.of(), tar = Buffer.of()] = await inputOfReceive();
  offers ??= openOfferServer();
  const server = await offers;
  const { pin, token, served } = server.offer(Readable.from([tar]));
  // Whoever is killed does not fetch to the end.
  served.catch(() => undefined);
  return [list, directories, Buffer.from(`${pin}\n${token}\n127.0.0.1:${server.port}\n`)];
}

/** Ends the server of offers, where one was needed. */
export async function closeOffers(): Promise<void> {
  await (await offers)?.close();
}

async function partsOfSegment(): Promise<readonly Buffer[]> {
  const source = mkdtempSync(join(tmpdir(), 'plexlift-segment-'));
  for (const path of ['a/one', 'a/two', 'way/in']) file(join(source, path), `content of ${path}`);
  for (const directory of ['a', 'way']) utimesSync(join(source, directory), 1, 1_400_000_000);
  const segment = segmentOf(source, { name: 's1', owner: ownUser() });
  const lists = [segment.entries, segment.entries.filter(({ type }) => type === 'directory')].map((list) => nulList(list.map(({ path }) => bytesOf(path))));
  const tar = await buffer(tarOf(source, segment));
  rmSync(source, { recursive: true });
  return [...lists, tar];
}
