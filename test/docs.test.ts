import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commands } from '../src/cli/commands.ts';
import { exitCodes } from '../src/errors.ts';
import { thisComputer } from '../src/machines/localMachine.ts';
import { mountsShowMedia, sameShares } from '../src/migration/mediaProof.ts';
import { directLaneCheck } from '../src/targets/kubernetes/directLane.ts';
import { execProtocolCheck } from '../src/targets/kubernetes/execProtocol.ts';
import { coverageChecks } from '../src/migration/checks/coverage.ts';
import { preflightChecks } from '../src/migration/checks/preflight.ts';
import { schemaChecks } from '../src/migration/checks/schema.ts';
import { plan } from '../src/migration/plan.ts';
import { verifyChecks } from '../src/migration/checks/runningServer.ts';
import { directorySource } from '../src/sources/directory.ts';
import { systemdPlex } from '../src/sources/systemdPlex.ts';
import { directoryTarget } from '../src/targets/directory.ts';
import { kubernetesTarget } from '../src/targets/kubernetes/target.ts';

const root = join(import.meta.dirname, '..');
const documents = [...readdirSync(root), ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)].filter((name) => name.endsWith('.md'));

function textOf(document: string): string {
  return readFileSync(join(root, document), 'utf8');
}

/** The part of a text from a heading of level two to the next one. */
function sectionOf(text: string, heading: string): string {
  const begin = text.indexOf(`\n## ${heading}\n`);
  if (begin < 0) throw new Error(`There is no heading "${heading}"`);
  const end = text.indexOf('\n## ', begin + 1);
  return end < 0 ? text.slice(begin) : text.slice(begin, end);
}

/** The rows of every table in a text, without heads and rules, as trimmed cells. */
function rowsOf(text: string): readonly (readonly string[])[] {
  const lines = text.split('\n');
  const isRow = (line: string | undefined): boolean => line?.startsWith('|') === true;
  const isRule = (line: string | undefined): boolean => /^\|[\s|:-]+\|$/.test(line ?? '');
  return lines.filter((line, at) => isRow(line) && !isRule(line) && !isRule(lines[at + 1])).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()));
}

const bare = (cell: string | undefined): string => (cell ?? '').replace(/^`|`$/g, '');

describe('docs/commands.md', () => {
  const text = textOf('docs/commands.md');

  test('has a section for every command, in the order of the help, and none for others', () => {
    const headings = Array.from(text.matchAll(/^## `(.+)`$/gm), ([, usage]) => usage);

    expect(headings).toEqual(commands.map((command) => command.usage));
  });

  test.each(commands.map((command) => [command.usage, command] as const))('tells every option of %s and no other', (usage, command) => {
    const told = rowsOf(sectionOf(text, `\`${usage}\``)).map(([option]) => bare(option));

    expect(told).toEqual(command.options.map((option) => option.flags));
  });

  test('tells every exit code by its name', () => {
    const told = rowsOf(sectionOf(text, 'Exit codes')).map(([code, name]) => [name, Number(code)]);

    expect(Object.fromEntries(told)).toEqual(exitCodes);
  });

  test('tells every question that the code asks, with its answers', () => {
    const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
    const asked = files.flatMap((file) => {
      const calls = readFileSync(join(root, 'src', file), 'utf8').matchAll(/ask\.choose\(\{\s*id: '([^']+)'([\s\S]*?)\byes: '([^']+)'/g);
      return Array.from(calls, ([, id, choices, yes]) => ({ id, answers: Array.from((choices ?? '').matchAll(/value: '([^']+)'/g), ([, value]) => value), yes }));
    });
    const told = rowsOf(sectionOf(text, 'Questions')).map(([id, , answers, yes]) => ({ id: bare(id), answers: Array.from((answers ?? '').matchAll(/`([^`]+)`/g), ([, value]) => value), yes: bare(yes) }));
    const byId = (one: { readonly id: string | undefined }, other: { readonly id: string | undefined }): number => (one.id ?? '').localeCompare(other.id ?? '');

    expect(asked.length).toBeGreaterThan(0);
    expect(told.toSorted(byId)).toEqual(asked.toSorted(byId));
  });
});

describe('docs/checks.md', () => {
  const text = textOf('docs/checks.md');
  const here = thisComputer();
  const release = kubernetesTarget(here, { namespace: 'plex', release: 'plex', kubectl: 'kubectl', helm: 'helm' });
  const lists: readonly (readonly [heading: string, checks: readonly { readonly name: string; readonly claim: string }[]])[] = [
    ['A source over ssh', systemdPlex(here).checks],
    ['A source directory', directorySource(here, { directory: '/nowhere' }).checks],
    ['A Helm release as the target', release.checks],
    ['In the waiting pod', release.checksWhenHeld],
    ['The way into the pod', [directLaneCheck, execProtocolCheck]],
    ['A directory as the target', directoryTarget(here, { directory: 'DIRECTORY' }).checks],
    ['Both sides together', preflightChecks],
    ['What the path mapping reaches', coverageChecks],
    ['Who can open the databases', schemaChecks],
    ['The media on the target', [mountsShowMedia, sameShares]],
    ['The running server', verifyChecks],
  ];

  test.each(lists)('%s: every check with its claim, in the order they run', (heading, checks) => {
    const told = rowsOf(sectionOf(text, heading)).map(([name, claim]) => [bare(name), claim]);

    expect(told).toEqual(checks.map((check) => [check.name, check.claim]));
  });
});

test('README.md shows the steps of the plan, in order, with what they touch', () => {
  const told = rowsOf(sectionOf(textOf('README.md'), 'The steps')).map(([number, step, , touches]) => ({ number: Number(number), step: bare(step), touches }));

  expect(told).toEqual(plan.map((step, position) => ({ number: position + 1, step: step.name, touches: step.touches === 'nothing' ? '' : step.touches })));
});

describe.each(documents)('%s', (document) => {
  const text = textOf(document);

  test('links to files and headings that exist', () => {
    const links = Array.from(text.matchAll(/\]\(([^)\s]+)\)/g), ([, link]) => link ?? '').filter((link) => !/^[a-z]+:/.test(link));
    const broken = links.filter((link) => {
      const [file = '', anchor] = link.split('#');
      const place = file === '' ? join(root, document) : resolve(root, dirname(document), file);
      if (!existsSync(place)) return true;
      return anchor !== undefined && !anchorsOf(readFileSync(place, 'utf8')).includes(anchor);
    });

    expect(broken).toEqual([]);
  });

  test('names files and scripts of this project that exist', () => {
    const paths = Array.from(text.matchAll(/`((?:src|test|scripts|bin|docs|toolchain)\/[A-Za-z0-9_./-]*)`/g), ([, path]) => path ?? '');
    const scripts = Array.from(text.matchAll(/npm run ([a-z0-9:-]+)/g), ([, script]) => script ?? '');
    const known = Object.keys((JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly scripts: object }).scripts);

    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    expect(scripts.filter((script) => !known.includes(script))).toEqual([]);
  });

  test('names commands and options that exist', () => {
    const inBlocks = Array.from(text.matchAll(/^```[a-z]*\n([\s\S]*?)^```$/gm), ([, block]) => (block ?? '').replaceAll('\\\n', ' ')).join('\n');
    const typed = [...inBlocks.matchAll(/^plexlift ([a-z]+)([^\n#]*)/gm), ...text.matchAll(/[`"]plexlift ([a-z]+)([^\n`"]*)/g)];
    const wrong = typed.flatMap(([whole, name, rest]) => {
      const command = commands.find((candidate) => candidate.usage.split(' ')[0] === name);
      if (command === undefined) return [whole];
      const options = Array.from((rest ?? '').matchAll(/(?<=\s)--[a-z-]+/g), ([option]) => option);
      return options.filter((option) => option !== '--help' && !command.options.some((known) => known.long === option)).map((option) => `${name ?? ''} ${option}`);
    });

    expect(wrong).toEqual([]);
  });
});

/** The anchors of a document's headings, as Markdown renderers make them. */
function anchorsOf(text: string): readonly string[] {
  return Array.from(text.matchAll(/^#+ (.+)$/gm), ([, heading]) => (heading ?? '').toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-'));
}
