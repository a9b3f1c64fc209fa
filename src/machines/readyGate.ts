import type { Marks } from './remoteLine.ts';

/** What a gate does when the far side speaks. */
export interface GateHandlers {
  /** The program starts now, as this process on the far side; data may follow. */
  onReady(processId: number): void;
  /** sudo asked, for the first time. */
  onPrompt(): void;
  /** sudo asked again: it refused what it was given. */
  onRefused(): void;
}

/** Watches a far side's standard error up to the READY line, so that a password is given only to sudo's own prompt, and data only to the program. */
export function readyGate(marks: Marks, handlers: GateHandlers) {
  let waiting: string | null = '';
  let prompts = 0;

  return {
    /** Takes what came; returns what belongs to the program. */
    filter(chunk: Buffer): Buffer {
      if (waiting === null) return chunk;
      waiting += chunk.toString('latin1');
      const asked = waiting.split(marks.prompt).length - 1;
      const ready = new RegExp(String.raw`${marks.ready} (\d+)\r?\n`).exec(waiting);
      if (ready !== null) {
        const rest = waiting.slice(ready.index + ready[0].length);
        waiting = null;
        handlers.onReady(Number(ready[1]));
        return Buffer.from(rest, 'latin1');
      }
      while (prompts < asked) {
        prompts += 1;
        if (prompts === 1) handlers.onPrompt();
        else handlers.onRefused();
      }
      return Buffer.alloc(0);
    },
    /** What the far side said before it was ready, or null once it was. */
    saidBefore: (): string | null => (waiting === null ? null : Buffer.from(waiting.replaceAll(marks.prompt, ''), 'latin1').toString('utf8')),
  };
}
