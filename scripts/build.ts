import { chmodSync, copyFileSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

// What is published: the sources with their types stripped, and the gate's script beside the module that reads it.
const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
rmSync(dist, { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [join(root, 'node_modules/.bin/tsc'), '--project', join(root, 'tsconfig.build.json')], { stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);
copyFileSync(join(root, 'src/targets/gate/gate.sh'), join(dist, 'targets/gate/gate.sh'));
chmodSync(join(dist, 'main.js'), 0o755);
