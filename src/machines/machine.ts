import type { Readable, Writable } from 'node:stream';

/** Who a command runs as: the user one logs in as, root, or a named user. */
export type RunAs = 'login' | 'root' | { readonly user: string };

/** A command as data: a program and its arguments, never a shell line. Quoting and redaction happen where it is carried out. */
export interface Command {
  readonly program: string;
  readonly arguments: readonly string[];
  readonly as?: RunAs;
  readonly environment?: Readonly<Record<string, string>>;
}

/** How a command is run. */
export interface RunOptions {
  readonly input?: string | Uint8Array;
  /** Default 60,000; the command is ended then and counts as failed. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Exit codes that are an answer and not a failure. Default: only 0. */
  readonly answers?: readonly number[];
}

/** What a command that was carried out gave back. Output is decoded as UTF-8; for bytes use `open`. */
export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a process ended. `signal` is set when a signal ended it. */
export interface ProcessEnding {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last 8 KiB of standard error. */
  readonly stderrTail: string;
}

/** A running process with raw pipes, for data. */
export interface Process {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Resolves when it ended and its output was read to the end; never rejects. */
  readonly ended: Promise<ProcessEnding>;
  kill(): void;
}

/** How a process is opened. */
export interface OpenOptions {
  readonly signal?: AbortSignal;
  /** Hears standard error as it comes; its end is in the `ProcessEnding` all the same. */
  readonly onStderr?: (chunk: Buffer) => void;
}

/** Somewhere commands run: this computer, a machine behind ssh, a pod. */
export interface Machine {
  /** How people call it, e.g. `alex@192.168.13.21`, `this computer`, `pod plex/plex-plex-media-server-0`. */
  readonly name: string;
  /** Runs to the end. Throws `CommandFailed` for an exit code not among `answers`, a time-out, or a program that cannot be started. */
  run(command: Command, options?: RunOptions): Promise<CommandResult>;
  open(command: Command, options?: OpenOptions): Process;
}
