import { expect, test } from 'vitest';
import { audited } from '../../src/machines/audited.ts';
import type { CommandRecord } from '../../src/machines/audited.ts';
import { command } from '../../src/machines/command.ts';
import { thisComputer } from '../../src/machines/localMachine.ts';
import { redact } from '../../src/machines/redaction.ts';

function watched(secrets: readonly string[] = []) {
  const records: CommandRecord[] = [];
  return { records, machine: audited({ ...thisComputer(), extra: 'kept' }, (entry) => records.push(entry), { secrets: () => secrets }) };
}

test('records every command that ended, however it ended, and keeps what else the machine can do', async () => {
  const { records, machine } = watched();
  await machine.run(command('sh', '-c', 'exit 3'), { answers: [3] });
  await machine.run(command('sh', '-c', 'exit 4')).catch(() => undefined);
  await machine.run(command('sleep', '30'), { timeoutMs: 100 }).catch(() => undefined);
  const process = machine.open(command('sh', '-c', 'exit 5'));
  process.stdout.resume();
  await process.ended;
  expect(records.map(({ exitCode, command: line }) => [exitCode, line])).toEqual([[3, "sh -c 'exit 3'"], [4, "sh -c 'exit 4'"], [null, 'sleep 30'], [5, "sh -c 'exit 5'"]]);
  expect(records.every(({ machine: name, asRoot, durationMs }) => name === 'this computer' && !asRoot && durationMs >= 0)).toBe(true);
  expect(machine.extra).toBe('kept');
});

test('records no token and no secret', async () => {
  const { records, machine } = watched(['hunter2']);
  await machine.run(command('true', 'http://127.0.0.1:32400/prefs?X-Plex-Token=abcDEF123&x=1', 'hunter2'));
  expect(records[0]?.command).toBe("true 'http://127.0.0.1:32400/prefs?X-Plex-Token=[redacted]&x=1' [redacted]");
});

test.each([
  ['X-Plex-Token: abc-123', 'X-Plex-Token: [redacted]'],
  ['x-plex-token%3Dabc', 'x-plex-token%3D[redacted]'],
  ['<Preferences PlexOnlineToken="abc" FriendlyName="x"/>', '<Preferences PlexOnlineToken="[redacted]" FriendlyName="x"/>'],
  ['PLEX_CLAIM=claim-abc def', 'PLEX_CLAIM=[redacted] def'],
  ['nothing here', 'nothing here'],
])('removes the token from %j', (text, expected) => {
  expect(redact(text)).toBe(expected);
});
