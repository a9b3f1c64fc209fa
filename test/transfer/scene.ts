import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Patience } from '../../src/transfer/attempt.ts';
import { send, type SendOptions, type SendSummary } from '../../src/transfer/engine.ts';
import { openManifest, type Manifest } from '../../src/transfer/manifest.ts';
import { localTarget } from './localTarget.ts';
import { localTree, testOwner } from './localTree.ts';

/** Patience for tests: everything at once. */
export const impatience: Patience = { stallMs: 2_000, settleMs: 5_000, graceMs: 300, retryDelaysMs: [1, 1, 1] };

/** A directory that goes when the test ends. */
export function scratchDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'plexlift-transfer-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A source directory, a landing area and a manifest, all empty. */
export interface Scene {
  readonly source: string;
  readonly landing: string;
  readonly manifestFile: string;
  readonly manifest: Manifest;
  readonly target: ReturnType<typeof localTarget>;
  /** Writes a file below the source, with directories as needed, and a time in the past. */
  readonly write: (path: string, content: string | Uint8Array) => void;
  readonly link: (path: string, to: string) => void;
  readonly send: (options?: Partial<SendOptions>) => Promise<SendSummary>;
}

/** Times that are not those of this moment, so that a time that did not survive shows. */
export const longAgoSeconds = 1_400_000_000;

/** Prepares a scene. */
export function scene(): Scene {
  const directory = scratchDirectory();
  const source = join(directory, 'source');
  const landing = join(directory, 'landing');
  const manifestFile = join(directory, 'manifest.db');
  mkdirSync(source);
  const target = localTarget(landing);
  const manifest = openManifest(manifestFile);
  let closed = false;
  function close(): void {
    if (!closed) manifest.close();
    closed = true;
  }
  onTestFinished(close);
  return {
    source,
    landing,
    manifestFile,
    manifest: { ...manifest, close },
    target,
    write(path, content) {
      const file = join(source, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
      chmodSync(file, 0o640);
      utimesSync(file, longAgoSeconds, longAgoSeconds);
    },
    link(path, to) {
      mkdirSync(dirname(join(source, path)), { recursive: true });
      symlinkSync(to, join(source, path));
    },
    send: (options = {}) =>
      send({
        tree: localTree(source),
        treeName: 'bulk',
        target,
        manifest,
        owner: testOwner,
        mode: 'at rest',
        signal: new AbortController().signal,
        progress: () => undefined,
        patience: impatience,
        ...options,
      }),
  };
}

/** A small data directory with what one has: artwork, links, empty files and directories, hard names. */
export function furnish({ write, link, source }: Pick<Scene, 'write' | 'link' | 'source'>): void {
  write('Metadata/Movies/a/b.bundle/Contents/_stored/posters/one.jpg', 'poster one');
  write('Metadata/Movies/a/b.bundle/Contents/com.agent/posters/one.jpg', 'x'.repeat(70_000));
  link('Metadata/Movies/a/b.bundle/Contents/_combined/posters/one', '../../com.agent/posters/one.jpg');
  write('Metadata/Movies/c/d.bundle/Uploads/posters/-leading dash', '');
  write('Media/localhost/e/f.bundle/Contents/Indexes/index-sd.bif', Buffer.alloc(300_000, 7));
  write('Plug-in Support/Preferences/com.agent.xml', '<x/>');
  write('Cache/PhotoTranscoder/1/2.jpg', 'cached');
  mkdirSync(join(source, 'Plug-ins/empty.bundle'), { recursive: true });
  for (const directory of ['Metadata/Movies/a', 'Metadata', 'Cache/PhotoTranscoder/1', 'Plug-ins/empty.bundle', 'Plug-in Support/Preferences']) {
    utimesSync(join(source, directory), longAgoSeconds, longAgoSeconds + 1);
  }
}
