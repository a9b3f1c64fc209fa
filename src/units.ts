const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** A number of bytes for people, in powers of 1024 with three figures: `1.43 GiB`. */
export function bytesText(sizeBytes: number): string {
  let value = sizeBytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toPrecision(value >= 1000 ? 4 : 3)} ${units[unit] ?? ''}`;
}

/** A part of a number of bytes for people, in the unit of the whole and as wide as it: `0.43 of 2.72 GiB`. */
export function partOfBytesText(partBytes: number, wholeBytes: number): string {
  const [whole = '', unit = ''] = bytesText(wholeBytes).split(' ');
  const decimals = whole.split('.')[1]?.length ?? 0;
  const divisor = 1024 ** Math.max(0, units.findIndex((candidate) => candidate === unit));
  return `${(partBytes / divisor).toFixed(decimals).padStart(whole.length)} of ${whole} ${unit}`;
}

/** A duration for people: `850 ms`, `12 s`, `3 min 5 s`, `2 h 10 min`. */
export function durationText(durationMs: number): string {
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`;
  const seconds = Math.round(durationMs / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}
