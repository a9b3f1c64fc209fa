import { setTimeout as sleep } from 'node:timers/promises';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isBrokenPipe } from '../../machines/brokenPipe.ts';
import { CommandFailed } from '../../machines/command.ts';
import type { Command, Machine, Process, ProcessEnding } from '../../machines/machine.ts';
import { VolumeFull } from '../../transfer/volumeFull.ts';
import { GateFailed, reasonOf } from './gateFailure.ts';
import { openHeard } from './silence.ts';

/** How the script is reached: on which machine, by which words, with which environment. */
export interface GateCarrier {
  readonly machine: Machine;
  /** E.g. `['sh', '/plexlift/init.sh']`. */
  readonly script: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** How long the script may be silent, in milliseconds. */
  readonly silenceMs: number;
}

/** One call of a verb. */
export interface GateCall {
  readonly verb: string;
  readonly arguments?: readonly string[];
  /** Standard input; its length is told to the verb as the last argument, so that a truncated one is refused. */
  readonly input?: Uint8Array;
  readonly timeoutMs?: number;
}

/** Which protocol this side speaks. The script refuses callers of another, and tells its own in the line that ends each answer. */
export const gateProtocol = 1;

/** The line that ends an answer. A script that does not tell its protocol is of the time when there was only the first. */
const endLine = /end(?: (\d{1,9}))?\n$/;
const longestEndLine = 'end 123456789\n'.length;
const pausesMs = [200, 1_000, 3_000];
const graceMs = 10_000;

/** What every tool there, the shell among them, says of a volume without bytes or inodes. */
const noRoom = /: (?:No space left on device|Disk quota exceeded)$/;

/**
 * Calls a verb and gives back its answer without the closing line. kubectl loses the end of standard output now and then, with exit
 * code 0, and a connection may be cut without a word; an answer without its closing line is asked for again (up to 3 times), which is
 * safe because every verb may be repeated.
 */
export async function callGate(carrier: GateCarrier, call: GateCall): Promise<Buffer> {
  for (const pauseMs of [...pausesMs, null]) {
    const { answer, ending, wasSilent } = await callOnce(carrier, call);
    if (ending.exitCode !== 0 && !wasSilent) throw failureOf(carrier, call, ending);
    const whole = wholeAnswer(carrier, call, answer);
    if (whole !== null) return whole;
    if (pauseMs === null) throw wasSilent ? fellSilent(carrier, call, ending) : lostAnswer(carrier, call, ending);
    await sleep(pauseMs);
  }
  throw new Error('A loop that always returns or throws did neither');
}

/** An answer without its closing line; null where that did not come. Throws where it tells of another protocol. */
function wholeAnswer(carrier: GateCarrier, call: GateCall, answer: Buffer): Buffer | null {
  const end = endLine.exec(answer.subarray(-longestEndLine).toString('latin1'));
  if (end === null) return null;
  const [line, spoken = '1'] = end;
  if (Number(spoken) !== gateProtocol) throw otherProtocol(carrier, call, Number(spoken));
  return answer.subarray(0, -line.length);
}

/** What a verb that receives is sent. */
export interface StreamToGate {
  /** Before the tar on standard input, or in its place where the far side fetches it. */
  readonly head: Uint8Array;
  readonly tar: Readable;
  /** Who serves the tar to the far side; without, it follows on standard input. */
  readonly server?: TarServer;
}

/** Serves one tar, once. */
export interface TarServer {
  /** Resolves when all of the tar was passed on, or it was withdrawn; rejects when that broke off. */
  readonly served: Promise<void>;
  /** From here on nobody gets it; whoever is getting it goes on. */
  withdraw(): void;
}

/** A tar that whoever knows the token gets once, over TLS. */
export interface TarOffer extends TarServer {
  readonly tar: Readable;
  /** Address and port, as they stand in a URL. */
  readonly place: string;
  readonly token: string;
  /** SHA-256 of the server's public key, in base64. */
  readonly pin: string;
}

/**
 * Calls `receive`, with two lists and then a tar on standard input, or `fetch`. Asked once only: the tar cannot be read twice. Gives back
 * the answer without its closing line, or null where that was lost on its way.
 */
export async function streamToGate(carrier: GateCarrier, call: Omit<GateCall, 'input' | 'timeoutMs'>, input: StreamToGate): Promise<Buffer | null> {
  const { process, endIfSilent } = openHeard(carrier.machine, commandOf(carrier, call, undefined), carrier);
  const chunks: Buffer[] = [];
  process.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  // The tar may fail before it is read; the pipeline meets its error later, and without a listener it would end this program.
  input.tar.on('error', () => undefined);
  // A far side that refuses ends before it read everything: its own words matter more than the broken pipe.
  const sent = feed(process.stdin, input).then(
    () => null,
    (thrown: unknown) => ({ thrown }),
  );
  const trouble = await Promise.race([sent, process.ended.then(() => null)]);
  if (trouble !== null) await endSoon(process, isBrokenPipe(trouble.thrown) ? graceMs : 0);
  // Until everything is sent, whoever sends it watches whether it moves.
  const silence = endIfSilent();
  const ending = await process.ended;
  input.server?.withdraw();
  if (!input.tar.destroyed && ending.exitCode !== 0) input.tar.destroy();
  const failure = await sent;
  if (failure !== null && !isBrokenPipe(failure.thrown)) throw failure.thrown;
  if (silence.wasSilent()) throw fellSilent(carrier, call, ending);
  if (ending.exitCode !== 0) throw failureOf(carrier, call, ending);
  return wholeAnswer(carrier, call, Buffer.concat(chunks));
}

// Whoever lost its input ends by itself and says why; a connection that hangs does not.
async function endSoon(process: Process, waitMs: number): Promise<void> {
  const waiting = new AbortController();
  await Promise.race([process.ended, sleep(waitMs, undefined, { signal: waiting.signal }).catch(() => undefined)]);
  waiting.abort();
  process.kill();
}

async function feed(stdin: Writable, input: StreamToGate): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stdin.once('error', reject);
    stdin.write(input.head, (error) => (error ? reject(error) : resolve()));
  });
  if (input.server === undefined) return pipeline(input.tar, stdin);
  stdin.end();
  return input.server.served;
}

async function callOnce(carrier: GateCarrier, call: GateCall): Promise<{ readonly answer: Buffer; readonly ending: ProcessEnding; readonly wasSilent: boolean }> {
  const timeoutMs = call.timeoutMs ?? 120_000;
  const signal = AbortSignal.timeout(timeoutMs);
  const { process, endIfSilent } = openHeard(carrier.machine, commandOf(carrier, call, call.input?.byteLength), { ...carrier, signal });
  const silence = endIfSilent();
  const chunks: Buffer[] = [];
  process.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  // How the process ended tells more than an error of its input; that a refusal closes the pipe is ordinary.
  process.stdin.on('error', () => undefined);
  process.stdin.end(call.input);
  const ending = await process.ended;
  if (signal.aborted && ending.exitCode !== 0) throw failedBecause(carrier, call, { reason: `it did not end within ${timeoutMs / 1000} s`, ending });
  return { answer: Buffer.concat(chunks), ending, wasSilent: silence.wasSilent() };
}

function commandOf(carrier: GateCarrier, call: GateCall, inputBytes: number | undefined): Command {
  const [program = 'sh', ...words] = carrier.script;
  const length = inputBytes === undefined ? [] : [String(inputBytes)];
  return { program, arguments: [...words, call.verb, ...(call.arguments ?? []), ...length], environment: { ...carrier.environment, PLEXLIFT_PROTOCOL: String(gateProtocol) } };
}

function failureOf(carrier: GateCarrier, call: GateCall, ending: ProcessEnding): Error {
  const reason = reasonOf(ending.exitCode);
  const lines = ending.stderrTail.split('\n').filter((line) => line !== '' && !line.endsWith('still working'));
  const full = lines.filter((line) => noRoom.test(line));
  if (full.length > 0) return new VolumeFull(carrier.machine.name, [`${call.verb} on ${carrier.machine.name}`, ...full.slice(-5)]);
  const own = lines.findLastIndex((line) => line.startsWith('plexlift-gate: '));
  if (reason === null || own === -1) {
    const how = ending.signal === null ? `it exited with ${String(ending.exitCode)}` : `it was ended by ${ending.signal}`;
    return failedBecause(carrier, call, { reason: how, ending });
  }
  const sentence = (lines[own] ?? '').slice('plexlift-gate: '.length);
  return new GateFailed(reason, sentence, { facts: [`${call.verb} on ${carrier.machine.name}`, ...lines.toSpliced(own, 1).slice(-20)] });
}

function otherProtocol(carrier: GateCarrier, call: GateCall, spoken: number): Error {
  return new GateFailed('protocol', `The gate speaks protocol ${spoken}, and this plexlift speaks protocol ${gateProtocol}`, { facts: [`${call.verb} on ${carrier.machine.name}`] });
}

function lostAnswer(carrier: GateCarrier, call: GateCall, ending: ProcessEnding): Error {
  return failedBecause(carrier, call, { reason: 'its answer was cut off every time', ending });
}

function fellSilent(carrier: GateCarrier, call: GateCall, ending: ProcessEnding): Error {
  return failedBecause(carrier, call, { reason: `nothing was heard of it for ${Math.round(carrier.silenceMs / 1000)} s`, ending });
}

function failedBecause(carrier: GateCarrier, call: GateCall, { reason, ending }: { readonly reason: string; readonly ending: ProcessEnding }): Error {
  const failure = { machine: carrier.machine.name, command: commandOf(carrier, call, call.input?.byteLength), exitCode: ending.exitCode, reason, stderr: ending.stderrTail };
  return new CommandFailed(failure, `See to the connection to ${carrier.machine.name}, then run the same command again`);
}

/** A NUL-separated list, as the verbs read it. */
export function nulList(names: Iterable<Buffer>): Buffer {
  const parts: Buffer[] = [];
  for (const name of names) {
    if (name.includes(0)) throw new Error(`A name holds a NUL byte: "${name.toString('latin1')}"`);
    parts.push(name, nul);
  }
  return Buffer.concat(parts);
}

const nul = Buffer.of(0);
