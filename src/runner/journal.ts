import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf, PlexliftError } from '../errors.ts';
import type { Observer, PassingEvent, RecordedEvent, RunEvent } from './events.ts';

/** The append-only record of a run: one event a line, on disk before `record` returns. */
export interface Journal {
  readonly file: string;
  readonly events: readonly RecordedEvent[];
  /** Throws `failed` where the event could not be written; nothing of it is in the file then. */
  record(event: RunEvent): void;
  /** Shows observers something that is not kept. */
  pass(event: PassingEvent): void;
  close(): void;
}

/** Opens the journal for appending and cuts off a last line that a crash left torn. Throws for any other line that cannot be read. */
export function openJournal(file: string, options: { readonly observe: Observer; readonly now?: () => Date }): Journal {
  const { events, intactBytes } = parseJournal(file);
  const isNew = !existsSync(file);
  if (!isNew) truncateSync(file, intactBytes);
  const descriptor = openSync(file, 'a', 0o600);
  if (isNew) syncDirectory(dirname(file));
  const now = options.now ?? (() => new Date());
  let sizeBytes = intactBytes;
  return {
    file,
    events,
    record(event) {
      const recorded: RecordedEvent = { at: now().toISOString(), ...event };
      const line = Buffer.from(`${JSON.stringify(recorded)}\n`);
      try {
        writeAll(descriptor, line);
        fsyncSync(descriptor);
      } catch (error) {
        // A full disk takes the first half of a line: what came after it could not be read.
        ftruncateSync(descriptor, sizeBytes);
        throw new PlexliftError('failed', `Cannot write the journal "${file}": ${messageOf(error)}`, {
          remedy: 'Make room on the disk that holds it, then run the same command again: what is not on record is done again',
          cause: error,
        });
      }
      sizeBytes += line.length;
      events.push(recorded);
      options.observe(recorded);
    },
    pass: (event) => options.observe(event),
    close: () => closeSync(descriptor),
  };
}

function writeAll(descriptor: number, bytes: Buffer): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
}

/** The events of a journal, for readers that change nothing. A torn last line is ignored; a file that does not exist has none. */
export function readJournal(file: string): readonly RecordedEvent[] {
  return parseJournal(file).events;
}

function parseJournal(file: string): { events: RecordedEvent[]; intactBytes: number } {
  let content: Buffer;
  try {
    content = readFileSync(file);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { events: [], intactBytes: 0 };
    throw new PlexliftError('failed', `Cannot read the journal "${file}": ${messageOf(error)}`, {
      remedy: 'Make the file readable again; without it nobody knows what was done, so nothing is done',
      cause: error,
    });
  }
  const intactBytes = content.lastIndexOf(0x0a) + 1;
  const lines = content.subarray(0, intactBytes).toString('utf8').split('\n').slice(0, -1);
  return { events: lines.map((line, position) => parseLine(line, { file, lineNumber: position + 1 })), intactBytes };
}

function parseLine(line: string, place: { readonly file: string; readonly lineNumber: number }): RecordedEvent {
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed === 'object' && parsed !== null && 'type' in parsed && 'at' in parsed) return parsed as RecordedEvent;
    throw new Error('it is no event');
  } catch (error) {
    throw new PlexliftError('failed', `Cannot read line ${place.lineNumber} of the journal "${place.file}": ${messageOf(error)}`, {
      remedy: 'Put back the file from a copy (one lies on the target volume, in .plexlift/journal.ndjson); plexlift does not guess what was done',
      cause: error,
    });
  }
}

/** Makes names created in a directory survive a power loss. */
function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
