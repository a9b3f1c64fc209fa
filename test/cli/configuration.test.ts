import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { defaultRunDirectory, fingerprintOf, parseConfiguration, readConfiguration } from '../../src/cli/configuration.ts';
import { withChart } from '../../src/cli/options.ts';
import { PlexliftError } from '../../src/errors.ts';
import { literalTerminal } from './literalTerminal.ts';

const whole = `
source: { ssh: alex@192.0.2.21 }
target: { kubernetes: { context: home, namespace: plex, release: plex } }
paths:
  - { from: /mnt/nas-plex, to: /media/library }
  - { from: /mnt/nas-plex-optimized, to: /media/optimized }
`;

function problems(content: string): string {
  try {
    parseConfiguration(content, '/etc/plexlift.yaml');
  } catch (error) {
    if (!(error instanceof PlexliftError)) throw error;
    if (error.kind !== 'usage' || error.remedy === '') throw error;
    return [error.message, ...error.facts].join('\n');
  }
  throw new Error('The configuration was taken');
}

test('the short configuration is taken, with every default', () => {
  expect(parseConfiguration(whole, '/etc/plexlift.yaml')).toEqual({
    source: { ssh: 'alex@192.0.2.21', unit: 'plexmediaserver.service' },
    target: { kubernetes: { context: 'home', namespace: 'plex', release: 'plex', kubectl: 'kubectl', helm: 'helm', direct: true } },
    paths: [{ from: '/mnt/nas-plex', to: '/media/library' }, { from: '/mnt/nas-plex-optimized', to: '/media/optimized' }],
    fileGuids: 'leave',
  });
});

test.each([
  ['./chart', '/etc/chart'],
  ['../chart.tgz', '/chart.tgz'],
  ['/srv/chart', '/srv/chart'],
  ['plex/plex-media-server', 'plex/plex-media-server'],
  ['oci://registry.example/plex-media-server', 'oci://registry.example/plex-media-server'],
])('the chart %s is %s to helm: only a path counts from the place of the file', (given, resolved) => {
  const { target } = parseConfiguration(whole.replace('release: plex', `release: plex, chart: "${given}", kubeconfig: ./home.kubeconfig`), '/etc/plexlift.yaml');

  expect(target).toMatchObject({ kubernetes: { chart: resolved, kubeconfig: '/etc/home.kubeconfig' } });
});

test('a chart that is given as an option wins, and counts from the current directory', () => {
  const terminal = literalTerminal('/home/alex');
  const configured = parseConfiguration(whole.replace('release: plex', 'release: plex, chart: ./one'), '/etc/plexlift.yaml');

  expect(withChart(configured, { options: { chart: './two' }, terminal }).target).toMatchObject({ kubernetes: { chart: '/home/alex/two', release: 'plex' } });
  expect(withChart(configured, { options: {}, terminal })).toBe(configured);
  expect(() => withChart(parseConfiguration(whole.replace(/target: .*/, 'target: { directory: /srv/plex }'), '/etc/plexlift.yaml'), { options: { chart: './two' }, terminal })).toThrow('the target is no Helm release');
});

test('a limit is read as bytes a second', () => {
  expect(parseConfiguration(`${whole}\nlimit: 20M`, '/etc/plexlift.yaml').limit).toBe(20 * 1024 ** 2);
});

test('relative places are resolved against the file, final slashes of mappings go', () => {
  const read = parseConfiguration('source: { directory: old, version: 1.43.4.10718-1e3cb7a60 }\ntarget: { directory: ../new }\npaths: [{ from: /a/, to: /b// }]\nrun: runs/one\n', '/etc/plex/plexlift.yaml');
  expect(read).toMatchObject({ source: { directory: '/etc/plex/old' }, target: { directory: '/etc/new' }, paths: [{ from: '/a', to: '/b' }], run: '/etc/plex/runs/one' });
  expect(parseConfiguration(whole.replace('ssh: alex@192.0.2.21', 'ssh: plex, sshConfig: ssh_config'), '/etc/plexlift.yaml').source).toMatchObject({ sshConfig: '/etc/ssh_config' });
});

test.each([
  { what: 'an unknown key', content: `${whole}\nverbose: true`, says: 'the file: unknown "verbose"' },
  { what: 'an unknown key of the ssh source', content: whole.replace('alex@192.0.2.21', 'alex@192.0.2.21, prot: 22'), says: 'source: unknown "prot"' },
  { what: 'an unknown key of the cluster', content: whole.replace('context: home', 'contxt: home'), says: 'target.kubernetes: unknown "contxt"' },
  { what: 'an unknown key of a pair', content: whole.replace('to: /media/library', 'to: /media/library, too: /b'), says: 'paths.0: unknown "too"' },
  { what: 'a cluster without a release', content: whole.replace(', release: plex', ''), says: 'target.kubernetes.release: ' },
  { what: 'an ssh destination that is an option', content: whole.replace('alex@192.0.2.21', '-oProxyCommand=x'), says: 'source.ssh: must be USER@HOST' },
  { what: 'a directory with a bad version', content: whole.replace('ssh: alex@192.0.2.21', 'directory: /old, version: latest'), says: 'source.version: must be an exact version' },
  { what: 'a source of no kind', content: whole.replace('ssh: alex', 'sssh: alex'), says: 'source: must be { ssh: USER@HOST } or { directory: PATH }' },
  { what: 'a target of no kind', content: whole.replace('kubernetes:', 'docker:'), says: 'target: must be { kubernetes: { namespace, release } } or { directory: PATH }' },
  { what: 'another wish for identifiers', content: `${whole}\nfileGuids: yes`, says: 'fileGuids: must be "leave" or "rewrite"' },
  ...['20', 20_000_000, '20MB', '10K', true].map((limit) => ({ what: `a limit of ${JSON.stringify(limit)}`, content: `${whole}\nlimit: ${JSON.stringify(limit)}`, says: 'limit: must be a number with K, M or G behind it, at least 64K' })),
  { what: 'both kinds at once', content: whole.replace('ssh: alex@192.0.2.21', 'ssh: a@b, directory: /old'), says: 'source: unknown "directory"' },
  { what: 'no source', content: whole.replace(/source:.*\n/, ''), says: 'source: must be' },
  { what: 'no paths', content: whole.replace(/paths:[^]*/, 'paths: []'), says: 'paths: must name at least one { from, to }' },
  { what: 'a pair without "to"', content: whole.replace(', to: /media/library', ''), says: 'paths.0.to: ' },
  { what: 'a mapping that is not absolute', content: whole.replace('/mnt/nas-plex,', 'mnt/nas-plex,'), says: '"mnt/nas-plex" is not an absolute path' },
  { what: 'a target of a mapping that is not absolute', content: whole.replace('/media/library', 'media'), says: '"media" is not an absolute path' },
  { what: 'two mappings with the same "from"', content: whole.replace('-optimized, to', '/, to'), says: 'Cannot map "/mnt/nas-plex": it is given twice' },
  { what: 'bad YAML', content: 'source: { ssh: [', says: 'Cannot read the configuration "/etc/plexlift.yaml": ' },
  { what: 'a key twice', content: `${whole}\nsource: { ssh: b }`, says: 'Map keys must be unique' },
  { what: 'an empty file', content: '', says: 'the file: ' },
  { what: 'a list', content: '- a', says: 'the file: ' },
  { what: 'a text', content: 'plex', says: 'the file: ' },
])('$what is refused at its place: $says', ({ content, says }) => {
  expect(problems(content)).toContain(says);
});

test('every problem is told at once', () => {
  expect(problems(`${whole.replace(', release: plex', '').replace(', to: /media/library', '')}\nverbose: true`).split('\n')).toHaveLength(4);
});

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'plexlift-configuration-'));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

test('a missing file names "plexlift init"; a directory is no file', () => {
  expect(() => readConfiguration(join(place, 'plexlift.yaml'))).toThrow(/Cannot find the configuration/);
  mkdirSync(join(place, 'plexlift.yaml'));
  expect(() => readConfiguration(join(place, 'plexlift.yaml'))).toThrow(/Cannot read the configuration/);
  writeFileSync(join(place, 'good.yaml'), whole);
  expect(readConfiguration(join(place, 'good.yaml')).source).toMatchObject({ ssh: 'alex@192.0.2.21' });
});

test('each pair of sides has a run directory of its own, with a name that any file system takes', () => {
  const first = parseConfiguration(whole, '/etc/plexlift.yaml');
  const second = parseConfiguration(whole.replace('namespace: plex', 'namespace: other'), '/etc/plexlift.yaml');
  const [one, two] = [first, second].map((configuration) => defaultRunDirectory(fingerprintOf(configuration), '/state'));
  expect(one).not.toBe(two);
  expect(one).toMatch(/^\/state\/plexlift\/[A-Za-z0-9.@_-]+$/);
});
