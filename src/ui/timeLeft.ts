/** Time left in words that change seldom: `2 h 10 min left`, `12 min left`, `80 s left`, `5 s left`. */
export function timeLeftText(secondsLeft: number): string {
  if (secondsLeft < 60) return `${Math.max(5, upTo(secondsLeft, 5))} s left`;
  if (secondsLeft < 120) return `${upTo(secondsLeft, 10)} s left`;
  if (secondsLeft < 3600) return `${Math.round(secondsLeft / 60)} min left`;
  const minutes = Math.round(secondsLeft / 300) * 5;
  return minutes % 60 === 0 ? `${minutes / 60} h left` : `${Math.floor(minutes / 60)} h ${minutes % 60} min left`;
}

function upTo(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}
