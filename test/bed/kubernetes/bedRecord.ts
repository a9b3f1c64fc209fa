import { mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addressesOf, bedCount } from './addresses.ts';
import { pathsOf } from './components.ts';
import { withFileLock } from '../fileLock.ts';
import { removeTree } from '../removeTree.ts';
import { unmountUnder } from './mounts.ts';
import { removeNetwork } from './network.ts';
import { removePodTraces } from './podTraces.ts';
import { end, identify, lives, processTree } from './processes.ts';
import type { ProcessId } from './processes.ts';

/** What the next bed must know to remove one whose process died without stopping it. */
export interface BedRecord {
  readonly number: number;
  /** The process that started the bed: the bed is a leftover once it is gone. */
  readonly owner: ProcessId;
  /** Every process of the bed but the containers, which are found as descendants of their shims. */
  readonly processes: readonly ProcessId[];
  /** Settings of the whole machine that the kubelet changes, as they were: file under /proc/sys and value. */
  readonly sysctls: Readonly<Record<string, string>>;
}

const bedsDirectory = join(tmpdir(), 'plexlift-bed-kubernetes');
/** Kernel settings the kubelet writes at start-up and cannot be told to leave (setupKernelTunables). */
const kubeletSysctls = [
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'kernel/panic',
  'kernel/panic_on_oops',
  'kernel/keys/root_maxkeys',
  'kernel/keys/root_maxbytes',
] as const;

/** Removes leftovers of beds whose owners died, then takes the lowest free bed number; returns its first record. */
export async function claimBed(): Promise<BedRecord> {
  return withBeds(async () => {
    await removeLeftovers();
    const owner = await identify(process.pid);
    if (owner === undefined) {
      throw new Error(`Cannot find the process ${process.pid} in /proc`);
    }
    const taken = new Set(await readdir(bedsDirectory));
    for (let number = 0; number < bedCount; number += 1) {
      if (!taken.has(String(number))) {
        const record = { number, owner, processes: [], sysctls: await readSysctls() };
        await mkdir(bedDirectory(number));
        await writeRecord(record);
        return record;
      }
    }
    throw new Error(`Cannot start another bed: all ${bedCount} numbers in "${bedsDirectory}" are taken`);
  });
}

/** The directory of bed `number`. */
export function bedDirectory(number: number): string {
  return join(bedsDirectory, String(number));
}

/** Replaces the bed's record, whole. */
export async function writeRecord(record: BedRecord): Promise<void> {
  const path = join(bedDirectory(record.number), 'bed.json');
  await writeFile(`${path}.new`, JSON.stringify(record));
  await rename(`${path}.new`, path);
}

/** Removes every bed whose owner no longer lives. */
export async function cleanUp(): Promise<void> {
  await withBeds(removeLeftovers);
}

/** Holds off every other process that would claim or clean up beds. */
async function withBeds<Result>(action: () => Promise<Result>): Promise<Result> {
  await mkdir(bedsDirectory, { recursive: true });
  return withFileLock(join(bedsDirectory, 'lock'), action);
}

async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(bedsDirectory)) {
    const directory = join(bedsDirectory, name);
    if (/^\d+$/.test(name)) {
      const text = await readFile(join(directory, 'bed.json'), 'utf8').catch(() => undefined);
      const record = text === undefined ? undefined : (JSON.parse(text) as BedRecord);
      if (record === undefined) {
        // Its owner died between making the directory and writing the record, so nothing else exists yet.
        await rm(directory, { recursive: true });
      } else if (!(await lives(record.owner))) {
        await removeBed(record);
      }
    } else if (name.startsWith('removed-')) {
      await removeTree(directory);
    }
  }
}

/** Ends every process of the bed, unmounts, removes its network and its files; safe to repeat at any point. */
export async function removeBed(record: BedRecord): Promise<void> {
  const directory = bedDirectory(record.number);
  const { containerdSocket } = pathsOf(directory);
  const addresses = addressesOf(record.number);
  await end(record.processes, 'SIGKILL');
  await end(await processTree(containerdSocket), 'SIGKILL');
  await removePodTraces(directory, addresses.namespace);
  await unmountUnder(directory);
  await removeNetwork(addresses);
  for (const [name, value] of Object.entries(record.sysctls)) {
    await writeFile(join('/proc/sys', name), value);
  }
  await removeDirectory(record.number);
}

/** A bed's directory goes at once, together with its record: half a directory would look like a bed being claimed. */
async function removeDirectory(number: number): Promise<void> {
  const removed = await mkdtemp(join(bedsDirectory, 'removed-'));
  try {
    await rename(bedDirectory(number), removed);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) {
      throw error;
    }
  }
  await removeTree(removed);
}

async function readSysctls(): Promise<Record<string, string>> {
  const values = await Promise.all(
    kubeletSysctls.map(async (name) => [name, await readFile(join('/proc/sys', name), 'utf8')] as const),
  );
  return Object.fromEntries(values);
}
