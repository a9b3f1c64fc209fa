import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { identifyProcess } from './hostProcess.ts';

const recordSchema = z.object({
  id: z.string().regex(/^[0-9a-f]{8}$/),
  owner: z.object({ pid: z.number().int(), startedAtTicks: z.string() }),
  workDirectory: z.string(),
});

/** Everything of a machine that must be taken away again, as kept in a file so that a later process can do it after a crash. */
export type MachineRecord = z.infer<typeof recordSchema>;

/** A machine's claim on one of the 254 subnets, held by the directory `directory` under /run. */
export interface MachineSlot {
  readonly directory: string;
  readonly subnet: number;
  readonly record: MachineRecord;
}

const RECORDS_DIRECTORY = '/run/plexlift-beds';

const SLOT_NAME = /^source-(\d+)$/;

/** Claims a free subnet for a machine owned by this process; `workDirectory` is where its files will be. Two processes never get the same one. */
export async function claimSlot(workDirectory: string): Promise<MachineSlot> {
  const owner = identifyProcess(process.pid);
  if (owner === undefined) throw new Error('Cannot read this process in /proc: the source machine bed needs Linux');
  const record: MachineRecord = { id: randomBytes(4).toString('hex'), owner, workDirectory };

  await mkdir(RECORDS_DIRECTORY, { recursive: true, mode: 0o755 });
  const prepared = await mkdtemp(path.join(RECORDS_DIRECTORY, 'new-'));
  await writeRecord(prepared, record);
  for (let subnet = 1; subnet <= 254; subnet += 1) {
    const directory = path.join(RECORDS_DIRECTORY, `source-${subnet}`);
    // rename(2) of a directory onto one that is not empty fails, which makes this the claim.
    if (await renamed(prepared, directory)) return { directory, subnet, record };
  }
  await rm(prepared, { recursive: true, force: true });
  throw new Error(`Cannot claim a subnet for a source machine: all 254 in "${RECORDS_DIRECTORY}" are taken`);
}

/** Every machine on record, running or left behind. */
export async function listSlots(): Promise<readonly MachineSlot[]> {
  const names = await readdir(RECORDS_DIRECTORY).catch((error: unknown) => {
    if (isNotFound(error)) return [];
    throw error;
  });
  const slots: MachineSlot[] = [];
  for (const name of names) {
    const subnet = SLOT_NAME.exec(name)?.[1];
    if (subnet === undefined) continue;
    const directory = path.join(RECORDS_DIRECTORY, name);
    const record = await readRecord(directory);
    if (record !== undefined) slots.push({ directory, subnet: Number(subnet), record });
  }
  return slots;
}

/** Gives the subnet back; only when it is still this machine's, as another process may have cleaned up and claimed it since. */
export async function releaseSlot(slot: MachineSlot): Promise<void> {
  const current = await readRecord(slot.directory);
  if (current?.id === slot.record.id) await rm(slot.directory, { recursive: true, force: true });
}

async function readRecord(directory: string): Promise<MachineRecord | undefined> {
  try {
    return recordSchema.parse(JSON.parse(await readFile(recordFile(directory), 'utf8')));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw new Error(`Cannot read the record of a source machine "${recordFile(directory)}"`, { cause: error });
  }
}

async function writeRecord(directory: string, record: MachineRecord): Promise<void> {
  const unfinished = `${recordFile(directory)}.unfinished`;
  await writeFile(unfinished, `${JSON.stringify(record)}\n`);
  await rename(unfinished, recordFile(directory));
}

function recordFile(directory: string): string {
  return path.join(directory, 'machine.json');
}

async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST')) return false;
    throw error;
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
