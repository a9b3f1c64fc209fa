import type { StepTools } from '../runner/step.ts';

const tellEveryMs = 1_000;

/** Tells for how long something has been waited for, until it is there. */
export async function whileWaiting<Result>(awaited: Promise<Result>, { what, progress }: { readonly what: string; readonly progress: StepTools['progress'] }): Promise<Result> {
  const beganAtMs = performance.now();
  function tell(): void {
    progress({ what, done: Math.floor((performance.now() - beganAtMs) / 1000), unit: 'seconds' });
  }
  tell();
  const telling = setInterval(tell, tellEveryMs);
  try {
    return await awaited;
  } finally {
    clearInterval(telling);
  }
}
