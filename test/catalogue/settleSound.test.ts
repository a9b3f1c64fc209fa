import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { settleDatabase } from '../../src/catalogue/integrity/settle.ts';
import { settleSound } from '../../src/catalogue/integrity/settleSound.ts';
import { databasesDirectory } from '../../src/plex/dataDirectory.ts';
import { damageKinds } from './damageKinds.ts';
import { databaseOf, makeCatalogue, removeScratch, scratchDirectory } from './smallCatalogue.ts';

const scratch = scratchDirectory();
const [source, copy] = [join(scratch, 'source'), join(scratch, 'copy')];
const log = `${databaseOf(copy)}-wal`;

beforeEach(() => {
  for (const place of [source, copy]) removeScratch(place);
  makeCatalogue(source);
});
afterAll(() => removeScratch(scratch));

/** What a killed server leaves: commits that are only in the log. */
function leaveLog(sql: string): void {
  const writer = new DatabaseSync(databaseOf(source), { enableForeignKeyConstraints: false });
  try {
    writer.exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0');
    writer.exec(sql);
    cpSync(source, copy, { recursive: true });
  } finally {
    writer.close();
  }
}

it('takes a sound log in', async () => {
  leaveLog("INSERT INTO devices(name) VALUES ('only in the log')");
  expect(await settleSound(copy)).toMatchObject({ ok: true });
  expect(existsSync(log)).toBe(false);
});

it('keeps what the log gave reason to warn of', async () => {
  leaveLog("INSERT INTO devices(name) VALUES ('whole'); INSERT INTO devices(name) VALUES ('torn')");
  const bytes = readFileSync(log);
  bytes[bytes.length - 30] = (bytes.at(-30) ?? 0) ^ 1;
  writeFileSync(log, bytes);
  const report = await settleSound(copy);
  expect(report.ok).toBe(true);
  expect(report.databases.flatMap(({ warnings }) => warnings.map(({ message }) => message)).join()).toContain('was not written to its end');
  expect(existsSync(log)).toBe(false);
});

it.each(damageKinds.filter(({ inLog }) => inLog === true))('leaves $name alone', async ({ apply }) => {
  cpSync(source, copy, { recursive: true });
  apply(join(copy, databasesDirectory));
  const before = [readFileSync(databaseOf(copy)), readFileSync(log)];
  expect(await settleSound(copy)).toMatchObject({ ok: false });
  expect([readFileSync(databaseOf(copy)), readFileSync(log)]).toEqual(before);
});

it('refuses by itself what can be told from the log alone', async () => {
  cpSync(source, copy, { recursive: true });
  damageKinds.find(({ name }) => name === 'a write-ahead log torn in the middle')?.apply(join(copy, databasesDirectory));
  const before = readFileSync(log);
  await expect(settleDatabase(databaseOf(copy))).rejects.toMatchObject({ kind: 'refused', message: expect.stringContaining('later commits cannot be read') as string });
  expect(readFileSync(log)).toEqual(before);
});

it('does not lay the damage of a dated backup to the library', async () => {
  cpSync(source, copy, { recursive: true });
  expect(await settleSound(copy)).toMatchObject({ ok: true });
});
