/** An amount of entries, and the bytes of the files among them. */
export type Load = { readonly entries: number; readonly bytes: number };

/** A load that was dealt with, and the time it took of all the time there was: of two at once, each counts half. */
export type Observation = Load & { readonly durationMs: number };

/** What loads cost, as observed. */
export interface CopyCosts {
  readonly perEntryMs: number;
  readonly perByteMs: number;
  /** The factor, above 1, that a further load of this kind may take longer, or less long. */
  readonly doubt: number;
}

/** No two hours are alike, however well one of them was measured. */
const doubtOfTheHour = 1.15;

/**
 * Costs an entry and a byte that explain the observations best, and together exactly. Both are told apart as far as the observations
 * differ in their mix; neither is ever negative. Null where nothing was observed.
 */
export function costsOf(observations: readonly Observation[]): CopyCosts | null {
  const observed = observations.filter(({ entries, durationMs }) => entries > 0 && durationMs > 0);
  if (observed.length === 0) return null;
  const shape = candidatesOf(observed).reduce((best, candidate) => (misfit(observed, candidate) < misfit(observed, best) ? candidate : best));
  const scale = sumOf(observed, ({ durationMs }) => durationMs) / sumOf(observed, (one) => costOf(one, shape));
  const costs = { perEntryMs: shape.perEntryMs * scale, perByteMs: shape.perByteMs * scale };
  const mean = sumOf(observed, ({ durationMs }) => durationMs) / observed.length;
  const spread = Math.sqrt(sumOf(observed, (one) => (one.durationMs - costOf(one, costs)) ** 2) / observed.length) / mean;
  return { ...costs, doubt: doubtOfTheHour + (2 * spread + 0.5) / Math.sqrt(observed.length) };
}

/** What a load costs, in milliseconds. */
export function costOf({ entries, bytes }: Load, { perEntryMs, perByteMs }: Pick<CopyCosts, 'perEntryMs' | 'perByteMs'>): number {
  return entries * perEntryMs + bytes * perByteMs;
}

type Shape = Pick<CopyCosts, 'perEntryMs' | 'perByteMs'>;

/** Least squares with both costs, where that gives none below zero, and with either alone. */
function candidatesOf(observed: readonly Observation[]): readonly Shape[] {
  const weighted = (of: (one: Observation) => number): number => sumOf(observed, (one) => of(one) / one.durationMs);
  const [ee, eb, bb] = [weighted(({ entries }) => entries ** 2), weighted(({ entries, bytes }) => entries * bytes), weighted(({ bytes }) => bytes ** 2)];
  const [ed, bd] = [weighted(({ entries, durationMs }) => entries * durationMs), weighted(({ bytes, durationMs }) => bytes * durationMs)];
  const determinant = ee * bb - eb * eb;
  const both = { perEntryMs: (ed * bb - bd * eb) / determinant, perByteMs: (bd * ee - ed * eb) / determinant };
  const isTold = determinant > 1e-9 * ee * bb && both.perEntryMs >= 0 && both.perByteMs >= 0;
  return [{ perEntryMs: ed / ee, perByteMs: 0 }, ...(bb > 0 ? [{ perEntryMs: 0, perByteMs: bd / bb }] : []), ...(isTold ? [both] : [])];
}

function misfit(observed: readonly Observation[], shape: Shape): number {
  return sumOf(observed, (one) => (one.durationMs - costOf(one, shape)) ** 2 / one.durationMs);
}

function sumOf<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0);
}
