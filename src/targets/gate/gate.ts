import type { Readable } from 'node:stream';
import { PlexliftError } from '../../errors.ts';
import type { Machine } from '../../machines/machine.ts';
import type { Finding } from '../../runner/check.ts';
import { bytesOf, bytePathOfText } from '../../transfer/entry.ts';
import type { BytePath, Entry, Owner } from '../../transfer/entry.ts';
import type { Receipt, Segment } from '../../transfer/segment.ts';
import type { ExistingLibrary, GateState, MediaFinding, MountFinding, Seal, Target, VolumeTrial } from '../target.ts';
import { parseBoot, parseDatabaseChecks, parseDigest, parseDigests, parseEntries, parseIdentity, parseLookUp, parseMounts, parseReceipt, parseRoom, parseSample, parseState, parseTools, parseTrial } from './gateAnswers.ts';
import { callGate, nulList, streamToGate } from './gateCall.ts';
import type { GateCall, StreamToGate, TarOffer } from './gateCall.ts';
import { GateFailed } from './gateFailure.ts';
import { sentinelLines } from './sentinels.ts';
import { usualSilenceMs } from './silence.ts';

/** The volume, as reached through the gate's script: what every kind of target does in the same way. */
export interface Gate extends Pick<
  Target,
  'state' | 'room' | 'mounts' | 'bootId' | 'receive' | 'receiptOf' | 'remove' | 'landed' | 'landedDigest' | 'digestsOf' | 'lookUp' | 'sampleMedia' | 'checkDatabases' | 'keepJournal' | 'publish'
> {
  /** Makes the landing area of a run, ends receivers of an earlier try; safe to repeat. Refuses the landing area of another run. */
  open(run: string): Promise<GateState>;
  /** Has a segment fetched from where it is offered; apart from that, `receive`. */
  fetch(segment: Segment, offer: TarOffer): Promise<Receipt | null>;
  /** The first of some places that answers under a token, with the key that the pin belongs to; null where none does. */
  reach(way: Pick<TarOffer, 'pin' | 'token'>, places: readonly string[]): Promise<string | null>;
  /** The library that is on the volume now; works without `open`. */
  identity(): Promise<ExistingLibrary>;
  /** Tries on the volume what a migration rests on, and leaves nothing there. */
  trial(): Promise<readonly VolumeTrial[]>;
  /** What each tool there says of its version; null for one that is missing. */
  tools(): Promise<ReadonlyMap<string, string | null>>;
  /** Keeps the gate closed from the next start of the pod on, until `release` or `withdraw`. */
  hold(run: string): Promise<GateState>;
  /** Lets a published library start again after `hold`. */
  release(run: string): Promise<GateState>;
  /** Undoes publish by renames; asks for `hold` first, and for a server that is stopped. Returns sentences for the record. */
  withdraw(run: string): Promise<readonly string[]>;
  /** Removes landing area, receipts and scratch where the volume is at one of these runs; every library stays. A published run cannot be withdrawn afterwards. Returns sentences for the record. */
  clear(runs: readonly string[]): Promise<readonly string[]>;
  /** Preferences.xml of the published library. */
  readPreferences(): Promise<Buffer>;
  /** Replaces it by rename, with owner and mode kept; refused while a server has files of the library open. */
  writePreferences(bytes: Uint8Array): Promise<void>;
}

/** What a gate's client needs. */
export interface GateOptions {
  readonly machine: Machine;
  /** The words before the verb, e.g. `['sh', '/plexlift/init.sh']`. */
  readonly script: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** The volume's directory, e.g. `/config`. */
  readonly root: string;
  /** Whom Plex runs as: owner of what arrives, and the eyes through which media are seen. */
  readonly owner: Owner;
  /** True where media may lie in any directory, mounted or not. Default false. */
  readonly anyDirectoryIsAMount?: boolean;
  /** How long the script may be silent before it counts as lost, in milliseconds. Default: `usualSilenceMs`. */
  readonly silenceMs?: number;
}

const pageBytes = 4 * 1024 * 1024;
const pathsInOneLookUp = 1_000;
const filesInOneDigestCall = 2_000;
const namesInOneRemoval = 20_000;
const minuteMs = 60_000;

/** The client side of gate.sh. Stateless: the volume holds all state, so a new client goes on where another one ended. */
export function gateClient(options: GateOptions): Gate {
  const { machine, script, owner } = options;
  const environment = { ...options.environment, PLEXLIFT_ROOT: options.root, PLEX_UID: String(owner.uid), PLEX_GID: String(owner.gid) };
  const carrier = { machine, script, environment, silenceMs: options.silenceMs ?? usualSilenceMs };

  function call(request: GateCall): Promise<Buffer> {
    return callGate(carrier, request);
  }

  async function text(verb: string, request: Omit<GateCall, 'verb'> = {}): Promise<string> {
    return (await call({ verb, ...request })).toString('utf8');
  }

  async function received(segment: Segment, verb: string, { inputs, stream }: { readonly inputs: readonly Buffer[]; readonly stream: Omit<StreamToGate, 'head'> }): Promise<Receipt | null> {
    const call = { verb, arguments: [segment.name, ...inputs.map(({ length }) => String(length)), ...ownerOf(segment)] };
    const answer = (await streamToGate(carrier, call, { ...stream, head: Buffer.concat(inputs) }))?.toString('utf8') ?? '';
    return answer === '' ? null : { segment: segment.name, ...parseReceipt(answer) };
  }

  async function* landed(directories?: readonly BytePath[]): AsyncIterable<Entry> {
    const some = directories === undefined ? {} : { input: nulList(directories.map(bytesOf)) };
    const [size = '', name = ''] = (await text('list', { ...some, timeoutMs: 30 * minuteMs })).trim().split(' ');
    let rest = Buffer.alloc(0);
    for (let offset = 0; offset < Number(size); offset += pageBytes) {
      const wantedBytes = Math.min(pageBytes, Number(size) - offset);
      const page = await call({ verb: 'page', arguments: [name, String(offset), String(wantedBytes)], timeoutMs: 5 * minuteMs });
      if (page.length !== wantedBytes) throw new Error(`A page of the listing has ${page.length} bytes instead of ${wantedBytes}`);
      const bytes = Buffer.concat([rest, page]);
      const { entries, usedBytes } = parseEntries(bytes);
      for (const entry of entries) yield directories === undefined ? entry : { ...entry, path: entry.path.slice('./'.length) as BytePath };
      rest = bytes.subarray(usedBytes);
    }
    if (rest.length > 0) throw new Error('The listing of the landing area ends within an entry');
  }

  async function* lookUp(paths: readonly string[]): AsyncIterable<MediaFinding> {
    for (const batch of batchesOf(paths, pathsInOneLookUp)) {
      const { findings, hung } = parseLookUp(await call({ verb: 'look-up', input: listOfMedia(batch), timeoutMs: 10 * minuteMs }), batch);
      if (hung) throw mediaHang(machine, findings);
      yield* findings;
    }
  }

  return {
    open: async (run) => parseState(await text('open', { arguments: [run] })),
    state: async () => parseState(await text('state')),
    room: async () => parseRoom(await text('room')),
    identity: async () => parseIdentity(await text('identity')),

    async mounts(paths): Promise<readonly MountFinding[]> {
      if (paths.length === 0) return [];
      const answer = await text('mounts', { input: listOfMedia(paths), timeoutMs: minuteMs + paths.length * 15_000 });
      return parseMounts(answer, { paths, anyDirectory: options.anyDirectoryIsAMount ?? false });
    },

    trial: async () => parseTrial(await text('trial')),
    tools: async () => parseTools(await text('tools')),
    bootId: async () => parseBoot(await text('boot')),

    receive: (segment: Segment, tar: Readable) => received(segment, 'receive', { inputs: listsOf(segment), stream: { tar } }),

    fetch: (segment: Segment, offer: TarOffer) =>
      received(segment, 'fetch', { inputs: [...listsOf(segment), linesOf([offer.pin, offer.token, offer.place])], stream: { tar: offer.tar, server: offer } }),

    async reach({ pin, token }, places): Promise<string | null> {
      const answers = (await text('reach', { input: linesOf([pin, token, ...places]), timeoutMs: minuteMs / 2 })).split('\n');
      return places.find((place) => answers.includes(place)) ?? null;
    },

    async receiptOf(segment: Segment): Promise<Receipt | null> {
      const call = { arguments: [segment.name, ...ownerOf(segment)], timeoutMs: 30 * minuteMs };
      try {
        return { segment: segment.name, ...parseReceipt(await text('receipt', call)) };
      } catch (thrown) {
        // Never received, not to its end, or not wholly there: in each case the segment is sent again.
        if (thrown instanceof GateFailed && (thrown.reason === 'absent' || thrown.reason === 'busy')) return null;
        throw thrown;
      }
    },

    async remove(paths: readonly BytePath[]): Promise<void> {
      for (const batch of batchesOf(paths, namesInOneRemoval)) await call({ verb: 'remove', input: nulList(batch.map(bytesOf)), timeoutMs: 30 * minuteMs });
    },

    landed,

    async landedDigest(withoutTime): Promise<string> {
      return parseDigest(await text('listing-digest', { input: nulList(withoutTime.map(bytesOf)), timeoutMs: 30 * minuteMs }));
    },

    async digestsOf(paths: readonly BytePath[]): Promise<ReadonlyMap<BytePath, string>> {
      const digests = new Map<BytePath, string>();
      for (const batch of batchesOf(paths, filesInOneDigestCall)) {
        const answer = await call({ verb: 'digests', input: nulList(batch.map(bytesOf)), timeoutMs: 60 * minuteMs });
        for (const [path, digest] of parseDigests(answer)) digests.set(path, digest);
      }
      return digests;
    },

    lookUp,

    sampleMedia: async (path, firstBytes) => parseSample(await text('sample', { arguments: [absoluteMedia(path), String(firstBytes)], timeoutMs: 4 * minuteMs })),

    async checkDatabases(paths): Promise<readonly { readonly path: string; readonly finding: Finding }[]> {
      if (paths.length === 0) return [];
      const input = nulList(paths.map((path) => bytesOf(bytePathOfText(path))));
      return parseDatabaseChecks(await text('check-databases', { input, timeoutMs: 240 * minuteMs }), paths);
    },

    async keepJournal(journal: Uint8Array): Promise<void> {
      await call({ verb: 'keep-journal', input: journal });
    },

    async publish(seal: Seal): Promise<void> {
      await call({ verb: 'sentinels', arguments: [seal.run], input: sentinelLines(seal.sentinels) });
      const agreement = seal.existingLibrary === 'set aside' ? 'set-aside' : 'none';
      await call({ verb: 'publish', arguments: [seal.run, agreement], timeoutMs: 60 * minuteMs });
    },

    hold: async (run) => parseState(await text('hold', { arguments: [run] })),
    release: async (run) => parseState(await text('release', { arguments: [run] })),

    async withdraw(run: string): Promise<readonly string[]> {
      return sentencesOfWithdraw(await text('withdraw', { arguments: [run], timeoutMs: 10 * minuteMs }));
    },

    async clear(runs): Promise<readonly string[]> {
      const { phase, run } = parseState(await text('state'));
      if (run === null) return [];
      // Only a run that was over can have made way for another.
      if (!runs.includes(run)) return [`The volume is at run "${run}" by now, of another run directory: nothing was left on it to remove`];
      const isNoLibrary = phase === 'landing' || phase === 'withdrawn';
      await call({ verb: isNoLibrary ? 'discard' : 'finish', arguments: [run], timeoutMs: 60 * minuteMs });
      return ['The landing area was removed; every library stays'];
    },

    readPreferences: () => call({ verb: 'read-preferences' }),

    async writePreferences(bytes: Uint8Array): Promise<void> {
      await call({ verb: 'write-preferences', input: bytes });
    },
  };
}

function ownerOf({ owner }: Segment): readonly string[] {
  return [String(owner.uid), String(owner.gid)];
}

/** What a segment names, and what of it are directories. */
function listsOf({ entries }: Segment): readonly Buffer[] {
  return [entries, entries.filter(({ type }) => type === 'directory')].map((list) => nulList(list.map(({ path }) => bytesOf(path))));
}

function linesOf(lines: readonly string[]): Buffer {
  return Buffer.from(lines.map((line) => `${line}\n`).join(''));
}

function* batchesOf<Item>(items: readonly Item[], size: number): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}

function listOfMedia(paths: readonly string[]): Buffer {
  return nulList(paths.map((path) => Buffer.from(absoluteMedia(path), 'utf8')));
}

function absoluteMedia(path: string): string {
  if (path.startsWith('/')) return path;
  throw new PlexliftError('failed', `Cannot look up "${path}" on the target: it is no absolute path`, {
    remedy: 'Look at the path mapping: every path on the target begins with "/"',
  });
}

function mediaHang(machine: Machine, findings: readonly MediaFinding[]): PlexliftError {
  const [first] = findings.filter(({ sizeBytes }) => sizeBytes === null);
  return new PlexliftError('failed', `Cannot look up media on ${machine.name}: a share does not answer any more`, {
    facts: first === undefined ? [] : [`nothing was heard about "${first.path}" and the files after it`],
    remedy: 'See to the mount and the file server behind it, then run the same command again',
  });
}

function sentencesOfWithdraw(answer: string): readonly string[] {
  return answer.split('\n').flatMap((line) => {
    const fact = line.slice(line.indexOf(' ') + 1);
    if (line.startsWith('withdrawn ') && fact.startsWith('/')) return [`The migrated library is kept at "${fact}"`];
    return line.startsWith('restored ') ? [`The library that was set aside is back at "${fact}"`] : [];
  });
}
