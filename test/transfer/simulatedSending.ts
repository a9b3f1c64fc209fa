import { paceOf, type Outlook } from '../../src/transfer/pace.ts';
import type { Amount } from '../../src/transfer/passage.ts';

/** What a simulated sending does: its segments, what they cost, and what befalls it. */
export interface Simulation {
  readonly segments: readonly Amount[];
  readonly byteSeconds: number;
  readonly entrySeconds: number;
  /** Seconds from the last byte of a segment to its receipt. */
  readonly receiptSeconds?: number;
  /** How fast it goes at a moment; 1 is as it costs, 0 is a stand. */
  readonly speed?: (atSeconds: number) => number;
  /** Segments, by position, whose first try is lost when half of it has passed. */
  readonly lost?: readonly number[];
}

/** One moment of a simulated sending: what was told, and what was true. */
export interface Moment {
  readonly atSeconds: number;
  readonly outlook: Outlook;
  readonly trueSecondsLeft: number;
  readonly trueShare: number;
}

const tickSeconds = 0.25;

/** Sends with two segments in flight, which share the speed, and looks four times a second. */
export function simulate(simulation: Simulation): readonly Moment[] {
  const { segments, receiptSeconds = 0.5, speed = () => 1, lost = [] } = simulation;
  const total = sumOf(segments);
  const pace = paceOf(total);
  const waiting = segments.map((segment, position) => ({ segment, position, isLost: lost.includes(position) }));
  const flights: { segment: Amount; position: number; isLost: boolean; worked: number; furthest: number }[] = [];
  const told: { readonly atSeconds: number; readonly outlook: Outlook }[] = [];
  let settled: Amount = { bytes: 0, entries: 0 };
  for (let tick = 0; flights.length > 0 || waiting.length > 0; tick += 1) {
    const atSeconds = tick * tickSeconds;
    for (const next of waiting.splice(0, 2 - flights.length)) flights.push({ ...next, worked: 0, furthest: 0 });
    for (const flight of flights.slice()) {
      const needs = flight.segment.bytes * simulation.byteSeconds + flight.segment.entries * simulation.entrySeconds;
      flight.worked += (tickSeconds * speed(atSeconds)) / flights.length;
      if (flight.isLost && flight.worked > needs / 2) Object.assign(flight, { isLost: false, worked: 0 });
      flight.furthest = Math.max(flight.furthest, Math.min(1, flight.worked / needs));
      if (flight.worked < needs + receiptSeconds) continue;
      settled = { bytes: settled.bytes + flight.segment.bytes, entries: settled.entries + flight.segment.entries };
      flights.splice(flights.indexOf(flight), 1);
    }
    const passed = flights.reduce((sum, { segment, furthest }) => ({ bytes: sum.bytes + segment.bytes * furthest, entries: sum.entries + Math.floor(segment.entries * furthest) }), settled);
    told.push({ atSeconds, outlook: pace.look(atSeconds * 1000, { passed, settled }) });
  }
  const end = told.at(-1)?.atSeconds ?? 0;
  return told.map(({ atSeconds, outlook }) => ({ atSeconds, outlook, trueSecondsLeft: end - atSeconds, trueShare: end === 0 ? 1 : atSeconds / end }));
}

function sumOf(segments: readonly Amount[]): Amount {
  return segments.reduce((sum, { bytes, entries }) => ({ bytes: sum.bytes + bytes, entries: sum.entries + entries }), { bytes: 0, entries: 0 });
}
