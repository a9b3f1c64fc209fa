import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** How to run a built server outside a machine of its own. */
export interface RunOptions {
  /** `directory` of `buildPlexServer`. */
  readonly installation: string;
  /** The "Plex Media Server" directory; made when it is missing. */
  readonly dataDirectory: string;
  /** Milliseconds between the end of HTTP and the end of the process; 100 if not given. */
  readonly stopMs?: number;
  /** Milliseconds until the scan after the start; an hour if not given. */
  readonly scanDelayMs?: number;
  /** Milliseconds until the butler cleans; an hour if not given. */
  readonly butlerDelayMs?: number;
  readonly writesPerSecond?: number;
  /** Runs the server as this user and group; takes root. */
  readonly uid?: number;
}

/** A server that answers. */
export interface RunningServer {
  readonly baseUrl: string;
  readonly pid: number;
  /** Sends TERM and waits; returns the exit code, or null when a signal ended it. */
  stop(): Promise<number | null>;
  /** Ends the server without a chance to tidy up. */
  kill(): Promise<void>;
}

/** The server did not come up. */
export class ServerRefused extends Error {
  readonly exitCode: number | null;
  readonly output: string;

  constructor(exitCode: number | null, output: string) {
    super(`The server ended with ${exitCode ?? 'a signal'} instead of answering: ${output}`);
    this.exitCode = exitCode;
    this.output = output;
  }
}

/** How long a server may take to answer; reading a large library's structure takes seconds on a busy machine. */
const startLimitMs = 60_000;
const anHourMs = 3_600_000;

/** Starts a server on a free port of this machine and waits until it answers; throws `ServerRefused` when it ends instead. */
export async function startPlexServer(options: RunOptions): Promise<RunningServer> {
  const programs = join(options.installation, 'usr/lib/plexmediaserver');
  const port = await freePort();
  const server = spawn(join(programs, 'Plex Media Server'), [], {
    env: {
      ...process.env,
      PLEX_MEDIA_SERVER_APPLICATION_SUPPORT_DIR: dirname(options.dataDirectory),
      PLEX_MEDIA_SERVER_HOME: programs,
      STANDIN_PORT: String(port),
      STANDIN_STOP_MS: String(options.stopMs ?? 100),
      STANDIN_SCAN_DELAY_MS: String(options.scanDelayMs ?? anHourMs),
      STANDIN_BUTLER_DELAY_MS: String(options.butlerDelayMs ?? anHourMs),
      STANDIN_WRITES_PER_SECOND: String(options.writesPerSecond ?? 0),
    },
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  let output = '';
  server.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const ended = once(server, 'exit').then(([code]) => code as number | null);
  const baseUrl = `http://127.0.0.1:${port}`;
  const refused = ended.then((code) => {
    throw new ServerRefused(code, output);
  });
  // The end of a server that did answer is no refusal; the caller sees it through stop() or kill().
  refused.catch(() => undefined);
  try {
    await Promise.race([waitForAnswer(baseUrl), refused]);
  } catch (error) {
    server.kill('SIGKILL');
    throw error;
  }
  return {
    baseUrl,
    pid: server.pid ?? 0,
    async stop() {
      server.kill('SIGTERM');
      return ended;
    },
    async kill() {
      server.kill('SIGKILL');
      await ended;
    },
  };
}

async function waitForAnswer(baseUrl: string): Promise<void> {
  const deadline = Date.now() + startLimitMs;
  while (Date.now() < deadline) {
    const answer = await fetch(`${baseUrl}/identity`).catch(() => undefined);
    if (answer?.ok === true) return;
    await sleep(50);
  }
  throw new Error(`Cannot start the server: no answer within ${startLimitMs / 1000} s`);
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('Cannot find a free port');
  return address.port;
}
