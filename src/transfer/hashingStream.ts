import { createHash } from 'node:crypto';
import { Transform } from 'node:stream';
import { extract, type Header } from 'tar-stream';
import type { BytePath, Entry, Owner } from './entry.ts';

/** A listed entry that the tar does not carry as it was listed. */
export interface Deviation {
  readonly position: number;
  readonly what: string;
}

/** What went through, once the whole tar has. */
export interface Passed {
  /** SHA-256 of every byte of the tar, padding included. */
  readonly sha256: string;
  readonly bytes: number;
  /** SHA-256 of each file, by position in the list; null for what is no file or did not come. */
  readonly hashes: readonly (string | null)[];
  readonly deviations: readonly Deviation[];
}

/** A stream that passes a tar on unchanged, and knows in the end what it was. */
export interface HashingStream {
  readonly stream: Transform;
  /** Bytes that went in so far. */
  readonly bytesSoFar: () => number;
  /** Null until the tar came to its proper end. */
  readonly passed: () => Passed | null;
}

/** tar ends with two blocks of zeros; without them it was cut off, which GNU tar does not notice on a record boundary. */
const endMarkBytes = 1_024;

/** What tar-stream gives and its types do not say: where the content begins, no link target, and types it does not know. */
type Member = Omit<Header, 'type' | 'linkname'> & { readonly type: string | null; readonly linkname: string | null; readonly byteOffset: number };

/** Latin1 keeps every byte of a name as one character, which is what a BytePath is. tar-stream's types do not know the option. */
const namesAsBytes: Parameters<typeof extract>[0] & { readonly filenameEncoding: 'latin1' } = { filenameEncoding: 'latin1' };

/**
 * Passes a tar through unchanged, at the pace of whoever reads it, while hashing the whole and every file in it and comparing it with
 * the list it was made from. Fails for anything but a complete tar of members of that list, in its order, belonging to `owner`;
 * members that are missing or unlike their listing are `deviations`.
 */
export function hashingStream(entries: readonly Entry[], owner: Owner): HashingStream {
  const whole = createHash('sha256');
  const comparison = compareWithList(entries, owner);
  const parser = extract(namesAsBytes);
  let bytes = 0;
  let membersEnd = 0;
  let passed: Passed | null = null;
  // A tar that extracts closes its input at the end mark. So the last piece is held back until all that follows from it is known.
  let held: Buffer | null = null;
  let failure: Error | null = null;

  parser.on('entry', (header, content, next) => {
    const member = header as unknown as Member;
    const take = comparison.meet(member);
    membersEnd = member.byteOffset + Math.ceil(member.size / 512) * 512;
    if (take instanceof Error) {
      next(take);
      return;
    }
    const hash = take.wantsHash ? createHash('sha256') : null;
    content.on('data', (chunk) => hash?.update(chunk as Buffer));
    content.on('end', () => {
      if (hash !== null) take.keep(hash.digest('hex'));
      next(null);
    });
    content.on('error', () => undefined); // The parser itself reports every error, below.
  });
  parser.on('error', (error: Error) => {
    failure = error;
    stream.destroy(error);
  });

  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      whole.update(chunk);
      bytes += chunk.length;
      if (held !== null) this.push(held);
      held = chunk;
      if (parser.write(chunk)) done();
      else parser.once('drain', () => done());
    },
    flush(done) {
      parser.once('finish', () => {
        if (bytes - membersEnd < endMarkBytes) {
          done(new Error(`The tar broke off after ${bytes} bytes`));
          return;
        }
        passed = { sha256: whole.digest('hex'), bytes, ...comparison.result() };
        done(null, held);
      });
      parser.end(null);
    },
    destroy(error, done) {
      if (!parser.destroyed) parser.destroy(error);
      done(error ?? failure);
    },
  });
  return { stream, bytesSoFar: () => bytes, passed: () => passed };
}

/** What to do with the content of a member. */
interface Take {
  readonly wantsHash: boolean;
  keep(hash: string): void;
}

function compareWithList(entries: readonly Entry[], owner: Owner): { meet(member: Member): Take | Error; result(): Pick<Passed, 'hashes' | 'deviations'> } {
  const positions = new Map<string, number>(entries.map(({ path }, position) => [path, position]));
  const hashes: (string | null)[] = entries.map(() => null);
  const deviations: Deviation[] = [];
  let nextPosition = 0;

  function skipTo(position: number): void {
    for (; nextPosition < position; nextPosition += 1) deviations.push({ position: nextPosition, what: 'vanished, or could not be read' });
  }

  return {
    meet(member) {
      const path = member.type === 'directory' ? member.name.replace(/\/$/, '') : member.name;
      const position = positions.get(path);
      const entry = position === undefined ? undefined : entries[position];
      if (position === undefined || entry === undefined) return new Error(`The tar carries "${path}", which was not asked for`);
      if (position < nextPosition) return new Error(`The tar carries "${path}" twice, or not in the order asked for`);
      if (member.uid !== owner.uid || member.gid !== owner.gid) {
        return new Error(`The tar gives "${path}" to ${member.uid}:${member.gid}, not to ${owner.uid}:${owner.gid}`);
      }
      skipTo(position);
      nextPosition = position + 1;
      const linked = member.type === 'link' ? positions.get(member.linkname ?? '') : undefined;
      const what = differenceFrom(entry, member, linked === undefined ? undefined : entries[linked]);
      if (what !== null) deviations.push({ position, what });
      if (linked !== undefined) hashes[position] = hashes[linked] ?? null;
      return {
        wantsHash: member.type === 'file' || member.type === 'contiguous-file',
        keep: (hash) => {
          hashes[position] = hash;
        },
      };
    },
    result() {
      skipTo(entries.length);
      return { hashes, deviations: deviations.toSorted((one, other) => one.position - other.position) };
    },
  };
}

/** In what a member is unlike its listing; null where in nothing. `linked` is the other name of a file with several. */
function differenceFrom(entry: Entry, member: Member, linked: Entry | undefined): string | null {
  const type = typeOf(member);
  if (type !== entry.type) return `was a ${entry.type} when listed and is a ${type ?? member.type ?? 'something unknown'} now`;
  if (type === 'file' && member.type === 'link' && linked === undefined) return `is another name of "${member.linkname ?? ''}", which is not sent with it`;
  const sizeBytes = linked?.sizeBytes ?? member.size;
  if (type === 'file' && sizeBytes !== entry.sizeBytes) return `had ${entry.sizeBytes} bytes when listed and has ${sizeBytes} now`;
  if (type === 'link' && member.linkname !== entry.linkTarget) return 'leads elsewhere than when it was listed';
  if (type !== 'link' && (member.mode & 0o7777) !== (entry.mode & 0o7777)) return 'has other permissions than when it was listed';
  if (member.mtime.getTime() / 1000 !== listedSeconds(entry)) return 'was modified after it was listed';
  return null;
}

function typeOf(member: Member): Entry['type'] | null {
  return member.type === null ? null : (entryTypes.get(member.type) ?? null);
}

/** What the types of tar members are to us; `link` is another name of a file. */
const entryTypes: ReadonlyMap<string, Entry['type']> = new Map([
  ['file', 'file'],
  ['contiguous-file', 'file'],
  ['link', 'file'],
  ['symlink', 'link'],
  ['directory', 'directory'],
]);

/** The whole seconds a tar header has for an entry. For times before 1970, tar-stream reads GNU tar's two's complement as one's: one second more. */
function listedSeconds(entry: Entry): number {
  const seconds = Math.floor(entry.modifiedAtSeconds);
  return seconds < 0 ? seconds + 1 : seconds;
}

/** The paths at the positions of deviations, each with what is different. */
export function namesOf(deviations: readonly Deviation[], entries: readonly Entry[]): readonly { readonly path: BytePath; readonly what: string }[] {
  return deviations.flatMap(({ position, what }) => {
    const entry = entries[position];
    return entry === undefined ? [] : [{ path: entry.path, what }];
  });
}
