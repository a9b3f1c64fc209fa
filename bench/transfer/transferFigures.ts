import { median } from '../figures.ts';
import type { Took } from './machineTime.ts';
import type { WayName } from './way.ts';

/** One way, once. Rounds are numbered from 1. */
export interface Measurement extends Took {
  readonly way: WayName;
  readonly round: number;
  /** True where it was ended before its end, and would have taken longer. */
  readonly isCutOff?: boolean;
  /** Of plexlift's process alone. */
  readonly ownCpuSeconds?: number;
}

/** plexlift and the bare link, once each, one after the other. */
export interface LinkMeasurement {
  readonly round: number;
  readonly seconds: number;
  /** One `ssh tar` of the same tree into nothing. */
  readonly linkSeconds: number;
  /** The bytes of that tar, which are more than those of its files. */
  readonly tarBytes: number;
}

/** Some numbers of one kind, in the order they were measured. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly all: readonly number[];
}

/** What is known of a tree, and everything that was measured with it. */
export interface MeasuredTree {
  readonly files: number;
  readonly bytes: number;
  readonly directories: number;
  readonly links: number;
  /** Files whose SHA-256 was compared and equal, after every run of plexlift. */
  readonly verifiedFiles: number;
  readonly peakMemoryMb: number;
  readonly measurements: readonly Measurement[];
  readonly linkMeasurements: readonly LinkMeasurement[];
}

/** The figures of one tree, as written to a file. */
export interface TreeFigures extends Omit<MeasuredTree, 'measurements' | 'linkMeasurements'> {
  /** plexlift's median; what its own journal says that copying took. */
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Of plexlift's process alone. */
  readonly ownCpuSeconds: number;
  readonly ratioToTarExec: number | null;
  readonly ratioToRsync: number | null;
  readonly ratioToFloor: number | null;
  readonly ratioToKubectlCp: number | null;
  /** Over a slow link: plexlift divided by one `ssh tar` into nothing. */
  readonly ratioToLink: number | null;
  /** The same divided by the time that the bytes of the files alone take on that link. */
  readonly ratioToLinkContent: number | null;
  readonly ways: Readonly<Partial<Record<WayName, WayFigures>>>;
  readonly link: LinkFigures | null;
}

/** The figures of one way. Where a round was cut off, its seconds are the least that it can have taken, and the ratio is the most that it can be. */
export interface WayFigures {
  readonly cutOffRounds: number;
  readonly seconds: Spread;
  readonly cpuSeconds: Spread;
  readonly stolenSeconds: Spread;
  /** plexlift divided by this way, each with each of the same round. */
  readonly ratio: Spread;
}

/** The figures over a slow link. */
export interface LinkFigures {
  readonly seconds: Spread;
  readonly linkSeconds: Spread;
  readonly ratio: Spread;
  readonly ratioToContent: Spread;
}

/** The middle and the ends of at least one number. */
export function spreadOf(all: readonly number[]): Spread {
  return { median: median(all), least: Math.min(...all), most: Math.max(...all), all };
}

/** Works out a tree's figures. A ratio is made of two runs of one round, which had the same neighbours; its median is the figure. */
export function figuresOf({ measurements, linkMeasurements, ...tree }: MeasuredTree): TreeFigures {
  const own = measurements.filter(({ way }) => way === 'plexlift');
  const ways: Partial<Record<WayName, WayFigures>> = {};
  for (const name of new Set(measurements.map(({ way }) => way))) {
    const runs = measurements.filter(({ way }) => way === name);
    const ratios = runs.flatMap(({ round, seconds }) => own.filter((each) => each.round === round).map((each) => each.seconds / seconds));
    if (ratios.length === 0) continue;
    ways[name] = {
      cutOffRounds: runs.filter(({ isCutOff }) => isCutOff === true).length,
      seconds: spreadOf(runs.map(({ seconds }) => seconds)),
      cpuSeconds: spreadOf(runs.map(({ cpuSeconds }) => cpuSeconds)),
      stolenSeconds: spreadOf(runs.map(({ stolenSeconds }) => stolenSeconds)),
      ratio: spreadOf(ratios),
    };
  }
  const link = linkMeasurements.length === 0 ? null : linkFiguresOf(linkMeasurements, tree.bytes);
  const ratioTo = (name: WayName): number | null => ways[name]?.ratio.median ?? null;
  return {
    ...tree,
    seconds: median(own.map(({ seconds }) => seconds)),
    cpuSeconds: median(own.map(({ cpuSeconds }) => cpuSeconds)),
    ownCpuSeconds: median(own.map(({ ownCpuSeconds = 0 }) => ownCpuSeconds)),
    ratioToTarExec: ratioTo('tar-exec'),
    ratioToRsync: ratioTo('rsync'),
    ratioToFloor: ratioTo('floor'),
    ratioToKubectlCp: ratioTo('kubectl-cp'),
    ratioToLink: link?.ratio.median ?? null,
    ratioToLinkContent: link?.ratioToContent.median ?? null,
    ways,
    link,
  };
}

function linkFiguresOf(measurements: readonly LinkMeasurement[], bytes: number): LinkFigures {
  return {
    seconds: spreadOf(measurements.map(({ seconds }) => seconds)),
    linkSeconds: spreadOf(measurements.map(({ linkSeconds }) => linkSeconds)),
    ratio: spreadOf(measurements.map(({ seconds, linkSeconds }) => seconds / linkSeconds)),
    ratioToContent: spreadOf(measurements.map(({ seconds, linkSeconds, tarBytes }) => seconds / ((linkSeconds * bytes) / tarBytes))),
  };
}
