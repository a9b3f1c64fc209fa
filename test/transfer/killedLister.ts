// A process of its own that lists and lands without end, until it is killed after so many milliseconds: arguments MANIFEST MILLISECONDS.
import { Worker } from 'node:worker_threads';
import { bytePathOfText, type Entry } from '../../src/transfer/entry.ts';
import { openManifest } from '../../src/transfer/manifest.ts';

const [file = '', killAfterMs = ''] = process.argv.slice(2);
const manifest = openManifest(file);
// A thread of its own, since the work below never returns to the event loop.
const killer = new Worker(`setTimeout(() => process.kill(${process.pid}, 'SIGKILL'), ${Number(killAfterMs)})`, { eval: true });
killer.unref();
const owner = { uid: 0, gid: 0 };
for (let round = 0; ; round += 1) {
  const entries = Array.from({ length: 300 }, (_, position): Entry => ({
    path: bytePathOfText(`d/${round % 3}-${position}`),
    type: 'file',
    sizeBytes: round,
    modifiedAtSeconds: round,
    changedAt: String(round),
    mode: 0o644,
  }));
  const listing = manifest.beginListing('bulk');
  manifest.recordListing(listing, [{ mark: null, isAllRecorded: true, entries }]);
  manifest.segments.end(manifest.segments.begin({ tree: 'bulk', entries, owner }), { outcome: 'landed', sha256Sent: 'x', sha256Received: 'x', boot: 'b', hashes: [], unproven: new Set() });
  manifest.finishListing(listing);
}
