/** Signals that come so soon after the first are the same press of Ctrl-C. */
const samePressMs = 1_000;

/** Writes a line about how it goes. */
export function tell(line: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
}

/** Does the work of a program; Ctrl-C and the like end it by its signal, so that it takes down what it has brought up. */
export async function onceStopped(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  let stoppedAtMs = 0;
  for (const [signal, number] of [['SIGINT', 2], ['SIGTERM', 15], ['SIGHUP', 1]] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) {
        // Once more means now; the next beds remove what these leave behind. But npm hands on the Ctrl-C that the terminal has sent already.
        if (performance.now() - stoppedAtMs > samePressMs) process.exit(128 + number);
        return;
      }
      tell('Stopping and taking down the beds; once more stops at once');
      stoppedAtMs = performance.now();
      process.exitCode = 128 + number;
      stop.abort(new Error('Stopped'));
    });
  }
  try {
    await work(stop.signal);
  } catch (thrown) {
    tell(thrown instanceof Error ? thrown.message : String(thrown));
    for (let cause = thrown instanceof Error ? thrown.cause : undefined; cause instanceof Error; cause = cause.cause) tell(`  because: ${cause.message}`);
    process.exitCode ??= 1;
  }
}
