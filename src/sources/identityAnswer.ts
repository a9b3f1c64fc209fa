import { setTimeout as wait } from 'node:timers/promises';
import { command } from '../machines/command.ts';
import type { Machine } from '../machines/machine.ts';

/** What a running server says of itself without a token. */
export interface IdentityAnswer {
  readonly machineIdentifier: string;
  readonly version: string;
}

/** The port every Plex server listens on. */
export const plexPort = 32400;

const fromPython = 'import sys, urllib.request as u; r = u.Request(sys.argv[1], headers={"Accept": "application/json"}); sys.stdout.write(u.urlopen(r, timeout=10).read().decode())';

/** Asks the server on a machine who it is, from that machine itself; null when it gives no answer. Throws where nothing there can ask. */
export async function askIdentity(machine: Machine, port = plexPort): Promise<IdentityAnswer | null> {
  const url = `http://127.0.0.1:${port}/identity`;
  const options = { timeoutMs: 20_000, answers: Array.from({ length: 128 }, (_, exitCode) => exitCode) };
  let asked = await machine.run(command('curl', '--silent', '--fail', '--noproxy', '*', '--max-time', '10', '--header', 'Accept: application/json', url), options);
  if (asked.exitCode === 127) asked = await machine.run(command('python3', '-c', fromPython, url), options);
  if (asked.exitCode === 127) throw new Error(`Neither curl nor python3 is on ${machine.name}, so its server cannot be asked who it is`);
  return asked.exitCode === 0 ? parseIdentity(asked.stdout) : null;
}

/** The same, asked again each second until it answers or the time is over. */
export async function awaitIdentity(machine: Machine, { port, timeoutMs }: { readonly port?: number; readonly timeoutMs: number }): Promise<IdentityAnswer | null> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const answer = await askIdentity(machine, port);
    if (answer !== null || performance.now() > until) return answer;
    await wait(1000);
  }
}

function parseIdentity(printed: string): IdentityAnswer | null {
  let answer: { readonly MediaContainer?: { readonly machineIdentifier?: unknown; readonly version?: unknown } };
  try {
    answer = JSON.parse(printed) as typeof answer;
  } catch {
    // While it starts, a server answers with a page that is no JSON.
    return null;
  }
  const { machineIdentifier, version } = answer.MediaContainer ?? {};
  return typeof machineIdentifier === 'string' && typeof version === 'string' ? { machineIdentifier, version } : null;
}
