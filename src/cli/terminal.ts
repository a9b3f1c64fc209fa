import type { Readable, Writable } from 'node:stream';

/** What a command may use of the process it runs in; `main.ts` supplies it, tests supply their own. */
export interface Terminal {
  readonly stdin: Readable;
  /** Results. */
  readonly stdout: Writable;
  /** Everything else. */
  readonly stderr: Writable;
  /** True where a person can be asked. */
  readonly interactive: boolean;
  readonly colour: boolean;
  /** True where more than the signs of a keyboard can be shown. */
  readonly unicode: boolean;
  readonly currentDirectory: string;
  readonly stateHome: string;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
}
