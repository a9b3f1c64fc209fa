import { parse } from 'yaml';
import { vi } from 'vitest';
import type { Committed } from '../bed/kubernetes/gitOpsController.ts';
import { requireExit } from './interruption.ts';
import type { Stage } from './stage.ts';

/** A command that waits for a person to commit values, and what it has said so far. */
export interface WaitingCommand {
  readonly child: ReturnType<Stage['begin']>;
  readonly heard: { readonly stdout: string; readonly stderr: string };
}

/** Begins a command and lets it come to where it waits for a person. */
export async function beginAndWait(stage: Stage, words: readonly string[]): Promise<WaitingCommand> {
  const child = stage.begin(...words);
  const heard = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => void (heard.stdout += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => void (heard.stderr += chunk.toString('utf8')));
  const waiting = vi.waitUntil(() => heard.stderr.includes('the same command goes on waiting'), { timeout: 120_000, interval: 100 });
  await Promise.race([waiting, child.then(() => Promise.reject(new Error(`plexlift ended too early:\n${heard.stderr}`)))]);
  return { child, heard };
}

/** Lets a command come to its end, which must be this one. */
export async function endedWith(child: WaitingCommand['child'], exitCode: number): Promise<void> {
  const outcome = await child;
  requireExit({ exitCode: outcome.exitCode ?? -1, stdout: outcome.stdout, stderr: outcome.stderr }, exitCode);
}

/** What is printed for a person to commit, merged into what the controller has. */
export function committedFrom(printed: string, base: Readonly<Record<string, unknown>>): Committed {
  const document = parse(printed) as { readonly spec?: { readonly upgrade?: { readonly disableWait?: boolean }; readonly values: object } };
  return { values: { ...base, ...(document.spec?.values ?? document) }, disableWait: document.spec?.upgrade?.disableWait === true };
}
