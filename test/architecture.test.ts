import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { preflightChecks } from '../src/migration/checks/preflight.ts';
import { schemaChecks } from '../src/migration/checks/schema.ts';
import { coverageChecks } from '../src/migration/checks/coverage.ts';
import { mountsShowMedia, sameShares } from '../src/migration/mediaProof.ts';
import { plan } from '../src/migration/plan.ts';
import { verifyChecks } from '../src/migration/checks/runningServer.ts';

const source = join(import.meta.dirname, '..', 'src');

/** What each room may import from, besides itself and errors.ts. `types` are rooms of which only types may be imported. */
const allowed: Readonly<Record<string, { readonly rooms: readonly string[]; readonly types: readonly string[] }>> = {
  plex: { rooms: [], types: [] },
  runner: { rooms: [], types: [] },
  machines: { rooms: [], types: [] },
  server: { rooms: ['plex'], types: ['sources'] },
  catalogue: { rooms: ['plex'], types: ['sources', 'machines'] },
  transfer: { rooms: ['plex', 'machines'], types: ['runner', 'targets'] },
  sources: { rooms: ['machines', 'transfer', 'plex', 'server'], types: ['runner'] },
  targets: { rooms: ['machines', 'transfer', 'plex', 'server'], types: ['runner', 'sources'] },
  migration: { rooms: ['runner', 'plex', 'catalogue', 'transfer', 'server'], types: ['sources', 'targets', 'machines'] },
  ui: { rooms: ['runner', 'migration'], types: [] },
  cli: { rooms: ['runner', 'plex', 'catalogue', 'machines', 'transfer', 'sources', 'targets', 'migration', 'ui'], types: ['server'] },
};

/** Deliberate exceptions, each a file and what it may import. */
const exceptions = new Set([
  // Staged files are read as a tree by the same code as a source's.
  'migration/steps/deliver.ts -> sources/dataDirectory.ts',
  // Building a command is data, not running it.
  'migration/checks/preflight.ts -> machines/command.ts',
]);

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

function importsOf(file: string): readonly Import[] {
  const text = readFileSync(file, 'utf8');
  const found = text.matchAll(/^(?:import|export)\s+(type\s+)?((?:[^'";]|\n)*?)from\s+'(\.[^']+)'/gm);
  return Array.from(found, ([, type, names, target]) => {
    const named = (names ?? '').match(/\{([^}]*)\}/)?.[1];
    const allTypes = named !== undefined && named.split(',').filter((name) => name.trim() !== '').every((name) => name.trim().startsWith('type '));
    return { from: relative(source, file), to: relative(source, resolve(dirname(file), target ?? '')), typeOnly: type !== undefined || allTypes };
  });
}

const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts')).map((file) => join(source, file));
const imports = files.flatMap(importsOf);
const room = (file: string): string => (file.includes('/') ? (file.split('/')[0] ?? '') : 'root');

test('imports go one way', () => {
  const wrong = imports.filter(({ from, to, typeOnly }) => {
    if (room(from) === 'root' || room(to) === 'root' || room(from) === room(to) || exceptions.has(`${from} -> ${to}`)) return false;
    const rule = allowed[room(from)];
    return rule === undefined || !(rule.rooms.includes(room(to)) || (typeOnly && rule.types.includes(room(to))));
  });

  expect(wrong.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
});

test('every import was understood', () => {
  expect(imports.length).toBeGreaterThan(200);
  expect(imports.filter(({ to }) => !files.includes(join(source, to)))).toEqual([]);
});

test('only assemble.ts knows the kinds', () => {
  const kinds = ['sources/systemdPlex.ts', 'sources/directory.ts', 'targets/directory.ts', 'targets/kubernetes/target.ts', 'machines/ssh.ts'];
  const knowing = imports.filter(({ from, to, typeOnly }) => kinds.includes(to) && !typeOnly && room(from) !== room(to) && from !== 'cli/assemble.ts');

  expect(knowing).toEqual([]);
});

// childProcess.ts hands the environment on to children (ssh and kubectl need it) and reads nothing from it.
test('only main.ts touches the process', () => {
  // A child is often called "process" too: only a file that names none of its own means the one it runs in.
  const means = (text: string): boolean => /\bprocess\.(exit|exitCode|argv|env|cwd)\b/.test(text) || (/\bprocess\.(stdout|stderr|stdin)\b/.test(text) && !/\b(const|let) process\b|[({,]\s*process[:,)]/.test(text));
  const touching = files.filter((file) => !['main.ts', 'machines/childProcess.ts'].includes(relative(source, file))).filter((file) => means(readFileSync(file, 'utf8')));

  expect(touching.map((file) => relative(source, file))).toEqual([]);
});

test('every step that touches source or target can be undone', () => {
  const without = plan.filter((step) => (step.touches === 'source' || step.touches === 'target') && step.undo === undefined);

  expect(without.map((step) => step.name)).toEqual([]);
});

test('names of steps and checks are unique', () => {
  const names = [...plan.map((step) => step.name), ...[...preflightChecks, ...coverageChecks, ...schemaChecks, mountsShowMedia, sameShares, ...verifyChecks].map((check) => check.name)];

  expect(names.filter((name, position) => names.indexOf(name) !== position)).toEqual([]);
});

test('most files are rooms one can see through', () => {
  const lengths = files.map((file) => readFileSync(file, 'utf8').split('\n').length);

  expect(lengths.filter((length) => length > 250).length / lengths.length).toBeLessThan(0.1);
});
