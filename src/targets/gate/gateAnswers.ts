import { firstLines, judgeOwnSqlite, namesDamage } from '../../plex/ownSqliteFindings.ts';
import type { Finding } from '../../runner/check.ts';
import { bytePath } from '../../transfer/entry.ts';
import type { BytePath, Entry } from '../../transfer/entry.ts';
import type { Receipt } from '../../transfer/segment.ts';
import type { ExistingLibrary, GateState, MediaFinding, MountFinding, Room, VolumeTrial } from '../target.ts';

/** An answer of the script that does not have the promised form: a bug in one of the two, so no `PlexliftError`. */
function malformed(what: string, answer: string): Error {
  return new Error(`The gate's answer about ${what} has an unknown form: "${answer.slice(0, 200)}"`);
}

const phases: Readonly<Record<string, GateState['phase']>> = {
  none: 'none',
  landing: 'landing',
  publishing: 'publishing',
  published: 'published',
  // The library moves out from here on, and the run cannot be published any more.
  withdrawing: 'withdrawn',
  withdrawn: 'withdrawn',
  finished: 'finished',
};

/** `PHASE RUN`, where `-` stands for no run. */
export function parseState(answer: string): GateState {
  const [word = '', run = ''] = (answer.split('\n')[0] ?? '').split(' ');
  const phase = phases[word];
  if (phase === undefined || run === '') throw malformed('its state', answer);
  return { phase, run: run === '-' ? null : run };
}

/** One line: the digest of the re-made tar, and the boot it was made in. */
export function parseReceipt(answer: string): Pick<Receipt, 'sha256' | 'boot'> {
  const [sha256 = '', boot = ''] = answer.trim().split(' ');
  if (!/^[0-9a-f]{64}$/.test(sha256) || boot === '') throw malformed('a receipt', answer);
  return { sha256, boot: bootIn(boot) };
}

/** One line: the boot of the node. */
export function parseBoot(answer: string): string | null {
  const boot = answer.trim();
  if (boot === '') throw malformed('the boot of the node', answer);
  return bootIn(boot);
}

function bootIn(word: string): string | null {
  return word === 'unknown' ? null : word;
}

/** The line of GNU df: free bytes, all inodes, free inodes, file system. A file system that has no count of inodes never runs out. */
export function parseRoom(answer: string): Room {
  const [available = '', allInodes = '', freeInodes = '', fileSystem = ''] = answer.trim().split(/\s+/);
  if (!/^\d+$/.test(available) || fileSystem === '') throw malformed('its room', answer);
  const counted = /^\d+$/.test(freeInodes) && allInodes !== '0';
  return { freeBytes: Number(available), freeInodes: counted ? Number(freeInodes) : Number.MAX_SAFE_INTEGER, fileSystem };
}

/** A line for each tool: its name and what it says of its version. */
export function parseTools(answer: string): ReadonlyMap<string, string | null> {
  return new Map(linesOf(answer).map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1) || null]));
}

/** `known ZONE`, or `unknown ZONE`, which is null. */
export function parseTimeZone(answer: string): string | null {
  const [, word, zone = ''] = /^(known|unknown) (.*)\n$/.exec(answer) ?? [];
  if (word === undefined) throw malformed('its time zone', answer);
  return word === 'known' ? zone : null;
}

const trials: readonly VolumeTrial['tried'][] = ['whole', 'rename', 'replace', 'owner'];

/** A line for each trial: its name, then `ok` or what came of it. */
export function parseTrial(answer: string): readonly VolumeTrial[] {
  const outcomes = new Map(linesOf(answer).map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]));
  return trials.map((tried) => {
    const outcome = outcomes.get(tried);
    if (outcome === undefined) throw malformed('its trials', answer);
    return { tried, fault: outcome === 'ok' ? null : outcome };
  });
}

function linesOf(answer: string): readonly string[] {
  return answer.split('\n').slice(0, -1);
}

/** Lines of `present`, `machine-identifier` and `size-bytes`. */
export function parseIdentity(answer: string): ExistingLibrary {
  const facts = new Map(answer.split('\n').map((line) => [line.split(' ')[0] ?? '', line.slice(line.indexOf(' ') + 1)]));
  const present = facts.get('present');
  if (present !== 'yes' && present !== 'no') throw malformed('the existing library', answer);
  const size = facts.get('size-bytes') ?? '';
  return { present: present === 'yes', machineIdentifier: facts.get('machine-identifier') ?? null, sizeBytes: /^\d+$/.test(size) ? Number(size) : null };
}

interface MountPoint {
  readonly path: string;
  readonly description: string;
}

function parseMountInfo(text: string): readonly MountPoint[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const fields = line.split(' ');
      const separator = fields.indexOf('-');
      return { path: unescapeOctal(fields[4] ?? ''), description: `${fields[separator + 1] ?? '?'} from ${unescapeOctal(fields[separator + 2] ?? '?')}` };
    });
}

// The kernel writes blank, tab, line break and backslash of a path as three octal digits.
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** A line a path, then what the kernel says of mounts. Unless `anyDirectory`, a path on the root file system is no mount. */
export function parseMounts(answer: string, asked: { readonly paths: readonly string[]; readonly anyDirectory: boolean }): MountFinding[] {
  const marker = answer.indexOf('mountinfo\n');
  const lines = answer.slice(0, marker).split('\n').slice(0, -1);
  if (marker === -1 || lines.length !== asked.paths.length) throw malformed('mounts', answer);
  const mountPoints = parseMountInfo(answer.slice(marker + 'mountinfo\n'.length));
  return asked.paths.map((path, position) => {
    const line = lines[position] ?? '';
    const status = statusOfMount(line.split(' ')[0] ?? '');
    const reason = line.slice(line.indexOf(' ') + 1);
    const point = mountPoints.findLast((candidate) => candidate.path === longestMount(mountPoints, path));
    const mounted = point === undefined ? 'on no mount' : `${point.description}, mounted at ${point.path}`;
    const mountPointsBelow = [...new Set(mountPoints.map((mount) => mount.path).filter((mount) => mount.startsWith(path === '/' ? '/' : `${path.replace(/\/+$/, '')}/`)))];
    if (status === 'answers' || status === 'empty') {
      const isMount = asked.anyDirectory || (point !== undefined && point.path !== '/');
      return { path, status: isMount ? status : 'not a mount', detail: mounted, mountPointsBelow };
    }
    if (status === 'absent' && !isAbsence(reason)) return { path, status: 'unreadable', detail: `${reason} (${mounted})`, mountPointsBelow };
    return { path, status, detail: status === 'hangs' ? `${reason} (${mounted})` : reason, mountPointsBelow };
  });
}

function isAbsence(reason: string): boolean {
  return reason === 'No such file or directory' || reason === 'Not a directory';
}

function longestMount(points: readonly MountPoint[], path: string): string {
  const clean = path.replace(/\/+$/, '');
  const above = points.map((point) => point.path).filter((mount) => mount === '/' || clean === mount || clean.startsWith(`${mount}/`));
  return above.reduce((longest, mount) => (mount.length > longest.length ? mount : longest), '');
}

function statusOfMount(word: string): 'answers' | 'absent' | 'empty' | 'hangs' {
  if (word === 'answers' || word === 'absent' || word === 'empty' || word === 'hangs') return word;
  throw malformed('a mount', word);
}

const entryTypes: Readonly<Record<string, Entry['type']>> = { f: 'file', d: 'directory', l: 'link' };
const fieldsOfEntry = 8;

/** One piece of a listing: the entries that are complete in it, and how many of its bytes they took. */
export function parseEntries(bytes: Buffer): { readonly entries: readonly Entry[]; readonly usedBytes: number } {
  const entries: Entry[] = [];
  let usedBytes = 0;
  let fields: Buffer[] = [];
  let start = 0;
  for (let end = bytes.indexOf(0, start); end !== -1; end = bytes.indexOf(0, start)) {
    fields.push(bytes.subarray(start, end));
    start = end + 1;
    if (fields.length < fieldsOfEntry) continue;
    entries.push(entryOf(fields));
    usedBytes = start;
    fields = [];
  }
  return { entries, usedBytes };
}

function entryOf(fields: readonly Buffer[]): Entry {
  const [letter = '', size = '', modified = '', changedAt = '', mode = ''] = fields.slice(0, 5).map((field) => field.toString('latin1'));
  const [linkTarget = Buffer.alloc(0), belongsTo = Buffer.alloc(0), path = Buffer.alloc(0)] = fields.slice(5);
  const type = entryTypes[letter] ?? 'other';
  if (!/^\d+$/.test(size) || !/^[0-7]+$/.test(mode) || !/^-?\d/.test(modified) || !/^\d+:\d+$/.test(belongsTo.toString('latin1')) || path.length === 0) throw malformed('an entry', fields.join(' '));
  return {
    path: bytePath(path),
    type,
    sizeBytes: Number(size),
    // tar's GNU format carries whole seconds, cut off and not rounded.
    modifiedAtSeconds: Math.floor(Number(modified)),
    changedAt,
    mode: Number.parseInt(mode, 8),
    belongsTo: belongsTo.toString('latin1'),
    ...(type === 'link' ? { linkTarget: bytePath(linkTarget) } : {}),
  };
}

/** One digest. */
export function parseDigest(answer: string): string {
  const digest = answer.trim();
  if (!/^[0-9a-f]{64}$/.test(digest)) throw malformed('a digest', answer);
  return digest;
}

/** Records of `sha256sum -z`: digest, two characters, name. */
export function parseDigests(answer: Buffer): Map<BytePath, string> {
  const records = answer.toString('latin1').split('\0').slice(0, -1);
  return new Map(
    records.map((record) => {
      const digest = record.slice(0, 64);
      if (!/^[0-9a-f]{64}$/.test(digest) || record.length < 67) throw malformed('digests', record);
      return [record.slice(66) as BytePath, digest];
    }),
  );
}

const regularFile = 0x8000;
const typeBits = 0xf000;

/** What `look-up` says of each path that was asked; `hung` when something did not answer, which makes the rest unreadable. */
export function parseLookUp(answer: Buffer, paths: readonly string[]): { readonly findings: readonly MediaFinding[]; readonly hung: boolean } {
  const headEnd = answer.indexOf('\n');
  const head = answer.toString('latin1', 0, headEnd);
  const [presentBytes = Number.NaN, unreadableBytes = Number.NaN, reasonBytes = Number.NaN] = head.split(' ').slice(0, 3).map(Number);
  const unreadableStart = headEnd + 1 + presentBytes;
  const reasonStart = unreadableStart + unreadableBytes;
  if (reasonStart + reasonBytes !== answer.length) throw malformed('media', head);
  const hung = head.endsWith(' hangs');
  const present = presentFiles(answer.toString('latin1', headEnd + 1, unreadableStart));
  const unreadable = new Set(answer.toString('latin1', unreadableStart, reasonStart).split('\0'));
  const reasons = answer.toString('latin1', reasonStart).split('\n').slice(0, -1);
  const absent = paths.filter((path) => !present.has(keyOf(path)));
  if (!hung && absent.length !== reasons.length) throw malformed('media', `${head}: ${absent.length} absent, ${reasons.length} reasons`);
  let position = 0;
  const findings = paths.map((path): MediaFinding => {
    const found = present.get(keyOf(path));
    if (found !== undefined) {
      const readable = found.regular && !unreadable.has(keyOf(path));
      return { path, status: readable && !hung ? 'present' : 'unreadable', sizeBytes: found.sizeBytes };
    }
    const reason = reasons[position++] ?? '';
    const missing = !hung && isAbsence(reason);
    return { path, status: missing ? 'missing' : 'unreadable', sizeBytes: null };
  });
  return { findings, hung };
}

function presentFiles(section: string): Map<string, { readonly sizeBytes: number; readonly regular: boolean }> {
  const fields = section.split('\0');
  const found = new Map<string, { sizeBytes: number; regular: boolean }>();
  // What hung may have been cut off within a record.
  for (let at = 0; at + 3 < fields.length; at += 3) {
    const regular = (Number.parseInt(fields[at + 2] ?? '', 16) & typeBits) === regularFile;
    found.set(fields[at] ?? '', { sizeBytes: Number(fields[at + 1]), regular });
  }
  return found;
}

function keyOf(path: string): string {
  return Buffer.from(path, 'utf8').toString('latin1');
}

/** `SIZE SHA256`, or `missing`. */
export function parseSample(answer: string): { readonly sizeBytes: number; readonly sha256: string } | null {
  if (answer === 'missing\n') return null;
  const [, size = '', sha256 = ''] = /^(\d+) ([0-9a-f]{64})\n$/.exec(answer) ?? [];
  if (sha256 === '') throw malformed('a media file', answer);
  return { sizeBytes: Number(size), sha256 };
}

/** What Plex's own SQLite said of each database; `none` when there is no such program. */
export function parseDatabaseChecks(answer: string, paths: readonly string[]): { readonly path: string; readonly finding: Finding }[] {
  if (answer === 'none\n') {
    return paths.map((path) => ({ path, finding: { status: 'skip', reason: "There is no Plex SQLite where Plex will run" } }));
  }
  const sections = answer.split(/^database /m).slice(1);
  if (sections.length !== paths.length) throw malformed('databases', answer);
  return sections.map((section, position) => {
    const [path = '', ...lines] = section.split('\n').slice(0, -1);
    if (path !== paths[position]) throw malformed('databases', section);
    return { path, finding: findingOf(lines) };
  });
}

function findingOf(lines: readonly string[]): Finding {
  const after = (word: string): readonly string[] => lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  const [said, problems] = [after('line'), after('problem')];
  const told = firstLines([...said, ...problems]).join('; ');
  const damaged: Finding = { status: 'fail', detail: `Plex SQLite found: ${told || 'nothing, not even "ok"'}`, remedy: 'Take the catalogue again from the source; if it is damaged there too, repair it there first' };
  if (lines.at(-1) !== 'exit 0') {
    if (namesDamage(problems)) return damaged;
    return { status: 'fail', detail: `Plex SQLite could not check it: ${told}`, remedy: 'Free room on the volume, or see to the error named above, then run the same command again' };
  }
  const verdict = judgeOwnSqlite(said);
  switch (verdict) {
    case 'sound':
      return { status: 'pass', detail: 'Plex SQLite found it intact' };
    case 'false report':
      return { status: 'warn', detail: `Plex SQLite found it intact, but for what it is known to say of sound libraries: ${told}`, remedy: 'There is nothing to do: Plex works with such a library' };
    case 'damage':
    case 'no verdict':
      return damaged;
    default:
      return verdict satisfies never;
  }
}
