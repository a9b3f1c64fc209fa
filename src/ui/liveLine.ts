import type { Writable } from 'node:stream';

/** A line that is written over. */
export interface LiveLine {
  /** Shows a text in place of the one before; one of the same `kind` only when a moment has passed, so that it stays calm. */
  show(text: string, kind: string): void;
  /** Takes the line away, for what is to stay. */
  clear(): void;
}

/** Nobody reads faster. */
const momentMs = 250;

const eraseToEnd = '\u001B[K';

/** Begins a live line; nothing is written before the first `show`. */
export function liveLine(output: Writable, now: () => number): LiveLine {
  let shown: { readonly text: string; readonly kind: string; readonly atMs: number } | null = null;
  return {
    show(text, kind) {
      const atMs = now();
      if (shown !== null && shown.kind === kind && (atMs - shown.atMs < momentMs || shown.text === text)) return;
      // Written over and erased behind in one piece: erased before, it would flicker.
      output.write(`${shown === null ? '' : '\r'}${text}${eraseToEnd}`);
      shown = { text, kind, atMs };
    },
    clear() {
      if (shown !== null) output.write(`\r${eraseToEnd}`);
      shown = null;
    },
  };
}
