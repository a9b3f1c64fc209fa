import { setTimeout as pause } from 'node:timers/promises';

/** Somebody who keeps asking a server who it is. */
export interface Watcher {
  /** When it was asked the question it answered first; null while it has not. */
  firstAtMs(): number | null;
  /** When it answered last. */
  lastAtMs(): number | null;
  stop(): Promise<void>;
}

const everyMs = 100;
const patienceMs = 2_000;
/** After so many questions without an answer the address may be another one. */
const questionsForAddress = 50;

/** Asks the server at an address, which is found out again now and then while nobody answers there. */
export function watchServer(address: () => Promise<string>): Watcher {
  let [first, last]: [number | null, number | null] = [null, null];
  const over = new AbortController();

  async function ask(): Promise<void> {
    let url = '';
    for (let questions = 0; !over.signal.aborted; questions += 1) {
      // A pod that is being replaced has no address for a while.
      if (last === null && questions % questionsForAddress === 0) url = await address().catch(() => '');
      const answered = url !== '' && (await isServing(url));
      if (answered) {
        last = Date.now();
        first ??= last;
      }
      await pause(everyMs);
    }
  }

  const asking = ask();
  return {
    firstAtMs: () => first,
    lastAtMs: () => last,
    async stop() {
      over.abort();
      await asking;
    },
  };
}

async function isServing(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/identity`, { signal: AbortSignal.timeout(patienceMs) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false; // Nobody listens, or nobody answers in time: the answer to the question.
  }
}
