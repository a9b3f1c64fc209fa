import { Readable, Writable } from 'node:stream';
import type { Terminal } from '../../src/cli/terminal.ts';

/** A terminal without a person that remembers what was written to it. */
export interface LiteralTerminal extends Terminal {
  readonly written: { readonly stdout: string; readonly stderr: string };
}

/** Makes one; everything may be overridden. */
export function literalTerminal(place: string, changes: Partial<Terminal> = {}): LiteralTerminal {
  const stdout: string[] = [];
  const stderr: string[] = [];
  return {
    stdin: Readable.from([]),
    stdout: collecting(stdout),
    stderr: collecting(stderr),
    interactive: false,
    colour: false,
    unicode: true,
    currentDirectory: place,
    stateHome: `${place}/state`,
    signal: new AbortController().signal,
    ...changes,
    written: {
      get stdout() {
        return stdout.join('');
      },
      get stderr() {
        return stderr.join('');
      },
    },
  };
}

function collecting(parts: string[]): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      parts.push(chunk.toString('utf8'));
      done();
    },
  });
}
