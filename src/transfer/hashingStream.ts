import { createHash, hash, type Hash } from 'node:crypto';
import { Transform } from 'node:stream';
import type { BytePath, Entry, Owner } from './entry.ts';
import { tarReader, type TarMember } from './tarReader.ts';

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

/**
 * Passes a tar through unchanged, at the pace of whoever reads it, while hashing the whole and every file in it and comparing it with
 * the list it was made from. Fails for anything but a complete tar of members of that list, in its order, belonging to `owner`;
 * members that are missing or unlike their listing are `deviations`.
 */
export function hashingStream(entries: readonly Entry[], owner: Owner): HashingStream {
  const whole = createHash('sha256');
  const comparison = compareWithList(entries, owner);
  const content = contentHash();
  let keep: ((hash: string) => void) | null = null;
  let bytes = 0;
  let passed: Passed | null = null;
  // A tar that extracts closes its input at the end mark. So the last piece is held back until all that follows from it is known.
  let held: Buffer | null = null;
  const reader = tarReader({
    member(member) {
      keep = comparison.meet(member);
      if (keep !== null) content.begin(member.sizeBytes);
    },
    content(piece) {
      if (keep !== null) content.update(piece);
    },
    contentEnded() {
      keep?.(content.digest());
    },
  });

  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      whole.update(chunk);
      bytes += chunk.length;
      try {
        reader.write(chunk);
      } catch (error) {
        done(error as Error);
        return;
      }
      if (held !== null) this.push(held);
      held = chunk;
      done();
    },
    flush(done) {
      if (!reader.isWhole()) {
        done(new Error(`The tar broke off after ${bytes} bytes`));
        return;
      }
      passed = { sha256: whole.digest('hex'), bytes, ...comparison.result() };
      done(null, held);
    },
  });
  return { stream, bytesSoFar: () => bytes, passed: () => passed };
}

/** SHA-256 of one content after the other. Most files come in one piece, for which there need not be anything that is fed piece by piece. */
function contentHash(): { begin(sizeBytes: number): void; update(piece: Buffer): void; digest(): string } {
  let size = 0;
  let pieces: Hash | null = null;
  let wholeHash = emptyHash;
  return {
    begin(sizeBytes) {
      size = sizeBytes;
      pieces = null;
      wholeHash = emptyHash;
    },
    update(piece) {
      if (pieces === null && piece.length === size) {
        wholeHash = hash('sha256', piece);
        return;
      }
      pieces ??= createHash('sha256');
      pieces.update(piece);
    },
    digest: () => pieces?.digest('hex') ?? wholeHash,
  };
}

const emptyHash = hash('sha256', '');

/** `meet` gives back what wants the hash of a member's content; null where it has none. Throws for a member that should not be there. */
function compareWithList(entries: readonly Entry[], owner: Owner): { meet(member: TarMember): ((hash: string) => void) | null; result(): Pick<Passed, 'hashes' | 'deviations'> } {
  let positions: ReadonlyMap<string, number> | null = null;
  const hashes: (string | null)[] = entries.map(() => null);
  const deviations: Deviation[] = [];
  let nextPosition = 0;

  // Nearly every member is the one that comes next in the list, and nothing has to be looked up.
  function positionOf(path: string): number | undefined {
    if (entries[nextPosition]?.path === path) return nextPosition;
    positions ??= new Map(entries.map((entry, position) => [entry.path, position]));
    return positions.get(path);
  }

  function skipTo(position: number): void {
    for (; nextPosition < position; nextPosition += 1) deviations.push({ position: nextPosition, what: 'vanished, or could not be read' });
  }

  return {
    meet(member) {
      const path = member.type === 'directory' && member.name.endsWith('/') ? member.name.slice(0, -1) : member.name;
      const position = positionOf(path);
      const entry = position === undefined ? undefined : entries[position];
      if (position === undefined || entry === undefined) throw new Error(`The tar carries "${path}", which was not asked for`);
      if (position < nextPosition) throw new Error(`The tar carries "${path}" twice, or not in the order asked for`);
      if (member.uid !== owner.uid || member.gid !== owner.gid) {
        throw new Error(`The tar gives "${path}" to ${member.uid}:${member.gid}, not to ${owner.uid}:${owner.gid}`);
      }
      skipTo(position);
      nextPosition = position + 1;
      const linked = member.type === 'other name' ? positionOf(member.linkName) : undefined;
      const what = differenceFrom(entry, member, linked === undefined ? undefined : entries[linked]);
      if (what !== null) deviations.push({ position, what });
      if (linked !== undefined) hashes[position] = hashes[linked] ?? null;
      if (member.type !== 'file') return null;
      return (sha256) => {
        hashes[position] = sha256;
      };
    },
    result() {
      skipTo(entries.length);
      return { hashes, deviations: deviations.toSorted((one, other) => one.position - other.position) };
    },
  };
}

/** In what a member is unlike its listing; null where in nothing. `linked` is the other name of a file with several. */
function differenceFrom(entry: Entry, member: TarMember, linked: Entry | undefined): string | null {
  const type = member.type === 'other name' ? 'file' : member.type;
  if (type !== entry.type) return `was a ${entry.type} when listed and is a ${type ?? 'thing unknown'} now`;
  if (member.type === 'other name' && linked === undefined) return `is another name of "${member.linkName}", which is not sent with it`;
  const sizeBytes = linked?.sizeBytes ?? member.sizeBytes;
  if (type === 'file' && sizeBytes !== entry.sizeBytes) return `had ${entry.sizeBytes} bytes when listed and has ${sizeBytes} now`;
  if (type === 'link' && member.linkName !== entry.linkTarget) return 'leads elsewhere than when it was listed';
  if (type !== 'link' && (member.mode & 0o7777) !== (entry.mode & 0o7777)) return 'has other permissions than when it was listed';
  if (member.modifiedAtSeconds !== Math.floor(entry.modifiedAtSeconds)) return 'was modified after it was listed';
  return null;
}

/** The paths at the positions of deviations, each with what is different. */
export function namesOf(deviations: readonly Deviation[], entries: readonly Entry[]): readonly { readonly path: BytePath; readonly what: string }[] {
  return deviations.flatMap(({ position, what }) => {
    const entry = entries[position];
    return entry === undefined ? [] : [{ path: entry.path, what }];
  });
}
