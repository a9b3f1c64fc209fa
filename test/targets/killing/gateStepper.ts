import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { gateScriptPath } from '../../../src/targets/gate/gateScript.ts';
import { steppedScript } from './steppedScript.ts';
import type { SteppedLine } from './steppedScript.ts';

/** Something the script is about to do: the number of a line, or a program that changes files, also halfway through its work. */
export type StepLabel = string;

/** A step, and the how manieth of its label it is, counted from 1. */
export interface GateStep {
  readonly label: StepLabel;
  readonly occurrence: number;
}

/** How a run of the stepped script ended. */
export interface SteppedRun {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly steps: readonly GateStep[];
  readonly wasKilled: boolean;
}

/** What a run is given. */
export interface SteppedCall {
  readonly root: string;
  readonly verb: readonly string[];
  readonly input: Buffer;
  readonly environment: Readonly<Record<string, string>>;
}

/** Where a run is killed. */
export interface KillAt {
  /** Asked before each step. */
  killBefore(step: GateStep): boolean;
  /** The only steps that are told and counted; all of them where none is named. */
  readonly only?: readonly StepLabel[];
}

/** The script, run in one shell: step by step, or as it is. */
export interface GateStepper {
  readonly lines: readonly SteppedLine[];
  run(call: SteppedCall, kill: KillAt): Promise<SteppedRun>;
  /** Without steps. Killed when it says that it waits. */
  runUnstepped(call: SteppedCall): Promise<SteppedRun>;
}

/** Writes no file on the volume and waits for seconds: its steps would only come at other times in each run. */
const neverStepped = ['keep_alive'];

/** Programs that the script runs, all of them: busybox would take its own ones otherwise. */
const programs = 'cat chmod chown cmp comm cp cut date df dirname du find flock grep head id mkdir mkfifo mktemp mv rm sed sha256sum sleep sort stat sync tail tar timeout tr uniq wc xargs'.split(' ');

/** The programs among them that change files: each is a step, and those that take their time are one halfway, too. */
const changing = ['chmod', 'chown', 'mkdir', 'mkfifo', 'mv'];
const halfway: Readonly<Record<string, string>> = {
  cat: '[ $# -eq 0 ] || exec REAL "$@"; whole=$(mktemp); REAL >"$whole"; half=$(($(wc -c <"$whole") / 2)); head -c "$half" <"$whole"; at "cat, halfway"; tail -c "+$((half + 1))" <"$whole"; rm -f "$whole"',
  cp: 'REAL "$@" || exit $?; for to; do :; done; [ -s "$to" ] || exit 0; whole=$(mktemp); cat <"$to" >"$whole"; truncate -s "$(($(wc -c <"$whole") / 2))" -- "$to"; at "cp, halfway"; cat <"$whole" >"$to"; rm -f "$whole"',
  head: '[ "$1 $#" = "-c 2" ] || exec REAL "$@"; whole=$(mktemp); REAL "$@" >"$whole"; half=$(($(wc -c <"$whole") / 2)); REAL -c "$half" <"$whole"; at "head, halfway"; tail -c "+$((half + 1))" <"$whole"; rm -f "$whole"',
  rm: 'for path; do if [ -d "$path" ] && ! [ -L "$path" ]; then find "$path" -depth -mindepth 1 | sed "n; d" | while IFS= read -r name; do REAL -d -f "$name" 2>/dev/null; done; at "rm, halfway"; fi; done; exec REAL "$@"',
  tar: 'case " $* " in *" --extract "*) ;; *) exec REAL "$@" ;; esac; whole=$(mktemp); cat >"$whole"; head -c "$(($(wc -c <"$whole") / 2))" "$whole" | REAL "$@" 2>/dev/null; at "tar, halfway"; code=0; REAL "$@" <"$whole" || code=$?; rm -f "$whole"; exit "$code"',
};

/** What would only take time: a process that is killed leaves all it wrote to whoever reads it next, synced or not. */
const instead: Readonly<Record<string, string>> = { sleep: 'exec REAL 0.05', sync: 'exit 0' };

// A step is told on descriptor 4, and goes on when it is answered there.
const step = 'at() { case "${AT_ONLY:-|$1|}" in *"|$1|"*) echo "$1" >&4; read -r at_answer <&4 ;; esac; }';

/** Makes the stepped copy of the script in a directory, for one shell. */
export function gateStepper(directory: string, shell: readonly string[]): GateStepper {
  const original = readFileSync(gateScriptPath, 'utf8');
  const steppedBin = binIn(directory, 'stepped');
  const unsteppedBin = binIn(directory, 'unstepped');
  for (const program of programs) makeProgram(program, { steppedBin, unsteppedBin });
  const outside = shell[0] === 'busybox' ? programs.map((program) => `${program}() { "$AT_BIN/${program}" "$@"; }`).join('; ') : ':';
  const { text, lines } = steppedScript(original, { prelude: `${step}; ${outside}`, except: neverStepped });
  const stepped = join(directory, 'stepped.sh');
  writeFileSync(stepped, text);
  const unstepped = join(directory, 'unstepped.sh');
  writeFileSync(unstepped, original.replace('\n', `\n${outside}\n`));
  const [program = 'sh', ...words] = shell;

  function start({ root, verb, input, environment }: SteppedCall, { script, bin, only }: { readonly script: string; readonly bin: string; readonly only: string }) {
    const all = { ...process.env, ...environment, PLEXLIFT_ROOT: root, AT_ONLY: only, AT_BIN: bin, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
    const child = spawn(program, [...words, script, ...verb], { env: all, detached: true, stdio: ['pipe', 'pipe', 'pipe', 'ignore', 'pipe'] });
    const [stdin, stdout, stderr, , control] = child.stdio;
    if (stdin === null || stdout === null || stderr === null || !(control instanceof Duplex)) throw new Error('A child has no pipes');
    const said = { stdout: '', stderr: '' };
    stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString('latin1')));
    stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString('latin1')));
    // Who refuses, or is killed, does not read to the end.
    stdin.on('error', () => undefined);
    stdin.end(input);
    // Not before every process that came of it has ended: each holds the fourth descriptor.
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve(code));
    });
    control.on('error', () => undefined);
    return { control, said, ended, stdout, kill: () => process.kill(-(child.pid ?? 0), 'SIGKILL') };
  }

  return {
    lines,

    async run(call, { killBefore, only = [] }) {
      // Where only lines are told, no program has to.
      const bin = only.length > 0 && only.every((label) => /^\d+$/.test(label)) ? unsteppedBin : steppedBin;
      const { control, said, ended, kill } = start(call, { script: stepped, bin, only: only.length === 0 ? '' : `|${only.join('|')}|` });
      const steps: GateStep[] = [];
      const counts = new Map<StepLabel, number>();
      let wasKilled = false;
      let rest = '';
      control.on('data', (chunk: Buffer) => {
        const labels = (rest + chunk.toString()).split('\n');
        rest = labels.pop() ?? '';
        for (const label of labels) {
          if (wasKilled) return;
          const occurrence = (counts.get(label) ?? 0) + 1;
          counts.set(label, occurrence);
          steps.push({ label, occurrence });
          wasKilled = killBefore({ label, occurrence });
          if (wasKilled) kill();
          else control.write('\n');
        }
      });
      const exitCode = await ended;
      return { exitCode, ...said, steps, wasKilled };
    },

    async runUnstepped(call) {
      const { said, ended, kill, stdout } = start(call, { script: unstepped, bin: unsteppedBin, only: '' });
      let wasKilled = false;
      stdout.on('data', () => {
        if (wasKilled || !said.stdout.includes('Waiting for ')) return;
        wasKilled = true;
        kill();
      });
      const exitCode = await ended;
      return { exitCode, ...said, steps: [], wasKilled };
    },
  };
}

function binIn(directory: string, name: string): string {
  const bin = join(directory, name);
  mkdirSync(bin);
  return bin;
}

function makeProgram(program: string, { steppedBin, unsteppedBin }: { readonly steppedBin: string; readonly unsteppedBin: string }): void {
  const real = spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program], { encoding: 'utf8' }).stdout.trim();
  const replaced = instead[program];
  const body = replaced ?? (changing.includes(program) ? 'exec REAL "$@"' : halfway[program]);
  if (replaced === undefined) symlinkSync(real, join(unsteppedBin, program));
  else writeProgram(join(unsteppedBin, program), replaced.replaceAll('REAL', real));
  if (body === undefined) symlinkSync(real, join(steppedBin, program));
  else writeProgram(join(steppedBin, program), `PATH=/usr/bin:/bin\n${replaced === undefined ? `${step}\nat ${program}\n` : ''}${body.replaceAll('REAL', real)}`);
}

function writeProgram(path: string, script: string): void {
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}
