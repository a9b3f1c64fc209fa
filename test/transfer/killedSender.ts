// A process of its own that sends one file a segment, and is killed while it sends the Nth: arguments SOURCE LANDING MANIFEST N.
import { send } from '../../src/transfer/engine.ts';
import { openManifest } from '../../src/transfer/manifest.ts';
import { localTarget } from './localTarget.ts';
import { localTree, testOwner } from './localTree.ts';

const [source = '', landing = '', manifestFile = '', at = ''] = process.argv.slice(2);
const target = localTarget(landing);
let received = 0;
await send({
  tree: localTree(source),
  treeName: 'bulk',
  target: {
    ...target,
    async receive(segment, tar) {
      received += 1;
      if (received === Number(at)) process.kill(process.pid, 'SIGKILL');
      return await target.receive(segment, tar);
    },
  },
  manifest: openManifest(manifestFile),
  owner: testOwner,
  mode: 'at rest',
  concurrency: 1,
  limits: { entries: 1, bytes: 1e9 },
  signal: new AbortController().signal,
  progress: () => undefined,
});
