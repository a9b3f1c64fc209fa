import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { makeLibrary, type LibraryFacts } from '../library/makeLibrary.ts';
import { buildPlexServer } from './build.ts';
import { ServerRefused, startPlexServer, type RunningServer, type RunOptions } from './runServer.ts';

/** Why the server cannot be built here; empty when it can. */
export const whyNoServer = spawnSync('go', ['version']).status === 0 ? '' : ' (skipped: the program "go" is missing)';

/** The main database, relative to the data directory. */
export const libraryFile = 'Plug-in Support/Databases/com.plexapp.plugins.library.db';

const programs = 'usr/lib/plexmediaserver';

/** What a request may be given. */
export interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Built servers, a make-believe library, and a directory for the tests of one file; everything is gone after `remove`. */
export type ServerFixture = Awaited<ReturnType<typeof createServerFixture>>;

/** Builds the server in the default version and in 1.43.0 and makes a library of 80 items. */
export async function createServerFixture() {
  const root = mkdtempSync(join(tmpdir(), 'plexServer-'));
  // Another user has to reach the programs, and whoever runs the cached build at the same time must not show up here.
  chmodSync(root, 0o755);
  const installation = copyOf((await buildPlexServer()).directory, join(root, 'newer'));
  const older = copyOf((await buildPlexServer({ version: '1.43.0.10492-121068a07' })).directory, join(root, 'older'));
  const running = new Set<RunningServer>();
  let copies = 0;

  async function library(name: string, missingMedia = 0): Promise<LibraryFacts> {
    const [mediaPath, optimizedPath] = [join(root, name, 'media'), join(root, name, 'optimized')];
    return makeLibrary({ dataDirectory: join(root, name, 'Plex Media Server'), mediaDirectory: mediaPath, optimizedDirectory: optimizedPath, mediaPath, optimizedPath, items: 80, missingMedia });
  }
  const made = await library('original');

  /** A copy of the library's data directory that a test may change. */
  function dataDirectory(): string {
    copies += 1;
    const directory = join(root, String(copies), 'Plex Media Server');
    cpSync(made.dataDirectory, directory, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    return directory;
  }

  async function start(directory: string, options: Partial<RunOptions> = {}): Promise<RunningServer> {
    const server = await startPlexServer({ installation, dataDirectory: directory, ...options });
    running.add(server);
    return server;
  }

  async function stop(server: RunningServer): Promise<number | null> {
    running.delete(server);
    return server.stop();
  }

  async function killAll(): Promise<void> {
    await Promise.all([...running].map(async (server) => server.kill()));
    running.clear();
  }

  /** What a server says that must not start. */
  async function refusal(directory: string, options: Partial<RunOptions> = {}): Promise<string> {
    const error: unknown = await start(directory, options).catch((thrown: unknown) => thrown);
    if (!(error instanceof ServerRefused)) throw new Error('the server started');
    expect(error.exitCode).toBe(1);
    return error.output;
  }

  function plexSqlite(...args: readonly string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
    return spawnSync(join(installation, programs, 'Plex SQLite'), args, { encoding: 'utf8' });
  }

  function query(directory: string, sql: string): readonly Record<string, unknown>[] {
    const { stdout, stderr, status } = plexSqlite('-readonly', '-json', join(directory, libraryFile), sql);
    if (status !== 0) throw new Error(stderr);
    return stdout === '' ? [] : (JSON.parse(stdout) as Record<string, unknown>[]);
  }

  function change(directory: string, sql: string): void {
    execFileSync(join(installation, programs, 'Plex SQLite'), [join(directory, libraryFile), sql]);
  }

  async function request(server: RunningServer, path: string, { method = 'GET', headers = {} }: Asking = {}): Promise<Response> {
    return fetch(server.baseUrl + path, { method, headers: { Accept: 'application/json', 'X-Plex-Token': made.token, ...headers } });
  }

  async function ask(server: RunningServer, path: string, asking: Asking = {}): Promise<Record<string, unknown>> {
    const response = await request(server, path, asking);
    if (response.status !== 200) throw new Error(`"${path}" was answered with status ${response.status}`);
    return ((await response.json()) as { MediaContainer: Record<string, unknown> }).MediaContainer;
  }

  /** Waits until every library has been scanned since the server started. */
  async function scanned(server: RunningServer, since: number): Promise<void> {
    const scans = async () => ((await ask(server, '/library/sections'))['Directory'] as { refreshing: boolean; scannedAt: number }[]).filter((section) => section.refreshing || section.scannedAt < since);
    await expect.poll(scans, { timeout: 30_000 }).toEqual([]);
  }

  return {
    root, installation, older, made, library, dataDirectory, start, stop, killAll, refusal, plexSqlite, query, change, request, ask, scanned,
    remove: () => rmSync(root, { recursive: true }),
  };
}

function copyOf(directory: string, copy: string): string {
  // cp keeps the programs one file with several names.
  execFileSync('cp', ['-a', directory, copy]);
  return copy;
}

/** The keys of a container's items. */
export function ratingKeys(container: Readonly<Record<string, unknown>>): readonly number[] {
  return ((container['Metadata'] ?? []) as { ratingKey: string }[]).map(({ ratingKey }) => Number(ratingKey));
}

/** The executables, below a directory, of processes that run now. */
export function processesIn(directory: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(executableOf)
    .filter((path) => path.startsWith(`${directory}/`));
}

function executableOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    // The process has ended meanwhile, or is a thread of the kernel.
    return '';
  }
}

/** Sets one attribute of Preferences.xml; the value must need no escape. */
export function setPreference(directory: string, name: string, value: string): void {
  const file = join(directory, 'Preferences.xml');
  const text = readFileSync(file, 'utf8').replace(new RegExp(` ${name}="[^"]*"`), '');
  writeFileSync(file, text.replace('<Preferences', `<Preferences ${name}="${value}"`));
}
