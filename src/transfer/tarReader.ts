/** A member of a tar as its header tells it. Names are bytes, one character each. */
export interface TarMember {
  readonly name: string;
  /** `other name` is what tar calls a link: the same file under the name `linkName`. Null for anything that is not asked of tar. */
  readonly type: 'file' | 'directory' | 'link' | 'other name' | null;
  readonly linkName: string;
  readonly sizeBytes: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds, before 1970 negative. */
  readonly modifiedAtSeconds: number;
}

/** What is told of a tar while it passes, in its order. */
export interface TarListener {
  member(member: TarMember): void;
  /** A piece of the content of the latest member; never an empty one. */
  content(piece: Buffer): void;
  /** The content of the latest member is complete; also where it has none. */
  contentEnded(): void;
}

/** Takes a tar apart as it comes. */
export interface TarReader {
  /** Takes the next bytes. Throws for what GNU tar does not write. */
  write(chunk: Buffer): void;
  /** True behind the end mark: two blocks of zeros. Without them a tar was cut off, which GNU tar does not notice on the boundary of a record. */
  isWhole(): boolean;
}

const blockBytes = 512;

/** GNU tar's own format, which it is told to write: names of any length and bytes, sizes beyond 8 GiB, times before 1970. */
const gnuMagic = 'ustar  \0';

/** Longer than any name Linux takes: what claims to be longer is no name. */
const longestNameBytes = 64 * 1024;

const types: ReadonlyMap<string, TarMember['type']> = new Map([
  ['0', 'file'],
  ['1', 'other name'],
  ['2', 'link'],
  ['5', 'directory'],
]);

/** A reader of the format that GNU tar writes when told `--format=gnu`. What a listener throws is thrown by `write`. */
export function tarReader(listener: TarListener): TarReader {
  const split = Buffer.alloc(blockBytes);
  let splitBytes = 0;
  let headerAt = 0;
  let contentLeft = 0;
  let paddingLeft = 0;
  let zeroBlocks = 0;
  /** Pieces of a name that is too long for the header of the member it belongs to, which follows; null for content of a member. */
  let longPieces: Buffer[] | null = null;
  let takeLong: (text: string) => void = () => undefined;
  let longName: string | null = null;
  let longLinkName: string | null = null;

  function takeHeader(block: Buffer, at: number): void {
    if (isZero(block, at)) {
      zeroBlocks += 1;
      return;
    }
    if (zeroBlocks > 0 || !hasChecksum(block, at) || block.toString('latin1', at + 257, at + 265) !== gnuMagic) throw new Error(`The tar has something at byte ${headerAt} that is no header of GNU tar`);
    const sizeBytes = numberAt(block, at + 124, 12);
    const type = block.toString('latin1', at + 156, at + 157);
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) throw new Error(`The tar has a member of impossible size at byte ${headerAt}`);
    contentLeft = sizeBytes;
    paddingLeft = (blockBytes - (sizeBytes % blockBytes)) % blockBytes;
    if (type === 'L' || type === 'K') {
      if (sizeBytes === 0 || sizeBytes > longestNameBytes) throw new Error(`The tar has a name of ${sizeBytes} bytes at byte ${headerAt}`);
      longPieces = [];
      takeLong = type === 'L' ? (text) => (longName = text) : (text) => (longLinkName = text);
      return;
    }
    listener.member({
      name: longName ?? textAt(block, at, 100),
      type: types.get(type) ?? null,
      linkName: longLinkName ?? textAt(block, at + 157, 100),
      sizeBytes,
      mode: numberAt(block, at + 100, 8),
      uid: numberAt(block, at + 108, 8),
      gid: numberAt(block, at + 116, 8),
      modifiedAtSeconds: numberAt(block, at + 136, 12),
    });
    longName = null;
    longLinkName = null;
    if (contentLeft === 0) listener.contentEnded();
  }

  function takeContent(piece: Buffer): void {
    contentLeft -= piece.length;
    if (longPieces === null) {
      listener.content(piece);
      if (contentLeft === 0) listener.contentEnded();
      return;
    }
    longPieces.push(piece);
    if (contentLeft > 0) return;
    const bytes = Buffer.concat(longPieces);
    takeLong(textAt(bytes, 0, bytes.length));
    longPieces = null;
  }

  return {
    write(chunk) {
      for (let at = 0; at < chunk.length; ) {
        const left = chunk.length - at;
        let taken: number;
        if (contentLeft > 0) {
          taken = Math.min(contentLeft, left);
          takeContent(chunk.subarray(at, at + taken));
        } else if (paddingLeft > 0) {
          taken = Math.min(paddingLeft, left);
          paddingLeft -= taken;
        } else if (splitBytes === 0 && left >= blockBytes) {
          taken = blockBytes;
          takeHeader(chunk, at);
        } else {
          taken = chunk.copy(split, splitBytes, at, at + Math.min(blockBytes - splitBytes, left));
          splitBytes += taken;
          if (splitBytes === blockBytes) {
            splitBytes = 0;
            takeHeader(split, 0);
          }
        }
        at += taken;
        headerAt += taken;
      }
    },
    isWhole: () => zeroBlocks >= 2 && splitBytes === 0,
  };
}

function isZero(block: Buffer, at: number): boolean {
  for (let position = at; position < at + blockBytes; position += 1) if (block[position] !== 0) return false;
  return true;
}

/** The sum of all bytes of a header, its own eight taken as spaces. */
function hasChecksum(block: Buffer, at: number): boolean {
  let sum = 8 * 0x20;
  for (let position = at; position < at + 148; position += 1) sum += block[position] ?? 0;
  for (let position = at + 156; position < at + blockBytes; position += 1) sum += block[position] ?? 0;
  return sum === numberAt(block, at + 148, 8);
}

/** Up to the first NUL, or all of the field. */
function textAt(block: Buffer, at: number, length: number): string {
  const end = block.indexOf(0, at);
  return block.toString('latin1', at, end === -1 || end > at + length ? at + length : end);
}

/** Octal digits; or, where its first bit is set, a big-endian number in two's complement. NaN for anything else. */
function numberAt(block: Buffer, at: number, length: number): number {
  const first = block[at] ?? 0;
  if ((first & 0x80) === 0) return octalAt(block, at, length);
  let value = (first & 0x40) === 0 ? first & 0x7f : first - 0x100;
  for (let position = at + 1; position < at + length; position += 1) value = value * 256 + (block[position] ?? 0);
  return value;
}

/** Spaces, digits, and spaces or NULs up to the end. Half a dozen of these are in every header: no text is made of them. */
function octalAt(block: Buffer, at: number, length: number): number {
  const end = at + length;
  let position = at;
  while (position < end && block[position] === space) position += 1;
  const digitsAt = position;
  let value = 0;
  for (; position < end && isOctalDigit(block[position]); position += 1) value = value * 8 + (block[position] ?? 0) - zero;
  if (position === digitsAt) return Number.NaN;
  while (position < end && (block[position] === space || block[position] === 0)) position += 1;
  return position === end ? value : Number.NaN;
}

const [space, zero] = [0x20, 0x30];

function isOctalDigit(byte = 0): boolean {
  return byte >= zero && byte <= zero + 7;
}
