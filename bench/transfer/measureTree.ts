import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { processesThatSee, signalProcesses } from '../../test/bed/runningProcesses.ts';
import { compareTrees } from '../../test/bed/treeComparison.ts';
import { runOnHost } from '../../test/bed/sourceVm/hostCommand.ts';
import { addArtwork } from './artwork.ts';
import { writeArchives } from './archives.ts';
import { openBed, placeOnVolume, type Bed } from './bed.ts';
import { countBulk, notBulk, type BulkCount } from './bulk.ts';
import { consent, waitBeforeCopy, type Waiting } from './landing.ts';
import { overLink, slowLink } from './link.ts';
import { startClock, type Took } from './machineTime.ts';
import { runPlexlift, type PlexliftRun } from './plexliftProcess.ts';
import { CutOff, quoted, shellWork } from './shellWork.ts';
import { figuresOf, type LinkMeasurement, type Measurement, type TreeFigures } from './transferFigures.ts';
import { roundsOf, type TransferOptions } from './transferOptions.ts';
import { owner, shellWays, sourceTar, type WayName } from './way.ts';

/** One tree to measure. `keep` gets the figures so far after every round, `tell` a line at each stage. */
export interface TreeToMeasure extends Pick<TransferOptions, 'rounds' | 'copyRounds' | 'ways' | 'longestSeconds' | 'slowLinkFiles'> {
  readonly files: number;
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
  readonly keep: (figures: TreeFigures) => void;
}

/** Of a made-up library that serves while its artwork is copied. */
const items = 60;
const syncTimeoutMs = 900_000;

/** What one tree is measured on. */
interface Course {
  readonly bed: Bed;
  readonly waiting: Waiting;
  readonly archives: string;
  readonly tree: BulkCount;
  readonly longestSeconds: number;
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
}

/** Makes a tree on a bed of its own, and copies it by every way in turns. */
export async function measureTree(options: TreeToMeasure): Promise<void> {
  const { files, rounds, ways, signal, tell } = options;
  const bed = await openBed({ name: 'bench', items, signal });
  try {
    const course = await prepare(bed, options);
    const measurements: Measurement[] = [];
    const linkMeasurements: LinkMeasurement[] = [];
    let [verifiedFiles, peakMemoryMb] = [course.tree.files, 0];
    const verified = (run: Landed): void => {
      verifiedFiles = Math.min(verifiedFiles, run.verifiedFiles);
      peakMemoryMb = Math.max(peakMemoryMb, run.peakMemoryMb);
    };
    const keep = (): void => options.keep(figuresOf({ ...course.tree, verifiedFiles, peakMemoryMb, measurements, linkMeasurements }));

    for (let round = 1; round <= rounds; round += 1) {
      for (const way of rotated(ways, round - 1)) {
        if (round > roundsOf(way, options)) continue;
        const measured = way === 'plexlift' ? await ownMeasurement(course, { round, verified }) : await otherMeasurement(course, { way, round });
        if (measured === null) continue;
        measurements.push(measured);
        tell(`${files} files, round ${round} of ${rounds}: ${way} ${measured.seconds.toFixed(1)} s, ${measured.cpuSeconds.toFixed(1)} CPU s${measured.isCutOff === true ? ', cut off' : ''}`);
      }
      keep();
    }
    if (files !== options.slowLinkFiles) return;
    for (let round = 1; round <= rounds; round += 1) {
      const measured = await overLink(bed.stage, slowLink, () => measureLink(course, { round, verified }));
      linkMeasurements.push(measured);
      tell(`${files} files over ${slowLink.megabitsPerSecond} Mbit/s, round ${round} of ${rounds}: plexlift ${measured.seconds.toFixed(1)} s, link ${measured.linkSeconds.toFixed(1)} s`);
      keep();
    }
  } finally {
    await bed.close();
  }
}

async function ownMeasurement(course: Course, { round, verified }: { readonly round: number; readonly verified: (run: Landed) => void }): Promise<Measurement> {
  const run = await copyByPlexlift(course);
  verified(run);
  return { way: 'plexlift', round, ...run.took };
}

/** Null where another way fails: that is its own fault, and no reason to lose what else can be measured. */
async function otherMeasurement(course: Course, { way, round }: { readonly way: Exclude<WayName, 'plexlift'>; readonly round: number }): Promise<Measurement | null> {
  try {
    return { way, round, ...(await copyByShell(course, way)) };
  } catch (error) {
    course.signal.throwIfAborted();
    course.tell(`Left out: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}

async function prepare(bed: Bed, { files, ways, longestSeconds, signal, tell }: TreeToMeasure): Promise<Course> {
  const clock = startClock();
  const has = countBulk(bed.data).files;
  if (has > files) throw new Error(`Cannot make a tree of ${files} files: the library alone has ${has}`);
  await addArtwork({ directory: bed.data, files: files - has, signal });
  const tree = countBulk(bed.data);
  tell(`${files} files: made ${tree.directories} directories, ${tree.links} links and ${Math.round(tree.bytes / 1e6)} MB in ${clock().seconds.toFixed(0)} s`);
  const archives = join(bed.stage.directory, 'archives');
  if (ways.includes('floor')) await writeArchives(bed.data, { into: archives, owner, signal });
  const waiting = await waitBeforeCopy(bed, signal);
  return { bed, waiting, archives, tree, longestSeconds, signal, tell };
}

interface Landed {
  readonly took: NonNullable<PlexliftRun['watched']>;
  readonly peakMemoryMb: number;
  readonly verifiedFiles: number;
}

/** The real program, from the state before copy-ahead; then every entry is compared with the source's. */
async function copyByPlexlift({ bed, waiting, tree, signal }: Course): Promise<Landed> {
  await waiting.reset();
  await settle(bed, signal);
  const { watched, stepSeconds, peakMemoryMb } = await runPlexlift(bed.stage, ['migrate', ...consent, '--until', 'copy-ahead'], { signal, watch: 'copy-ahead' });
  const seconds = stepSeconds.get('copy-ahead');
  if (watched === null || seconds === undefined) throw new Error('Cannot measure plexlift: it did not copy anything');
  const compared = await compareTrees({ expected: bed.data, actual: waiting.landing, owner, leave: notBulk });
  signal.throwIfAborted();
  if (compared.differenceCount > 0) throw new Error(`Cannot measure plexlift: ${compared.differenceCount} entries differ from the source\n${compared.differences.slice(0, 20).join('\n')}`);
  if (compared.files !== tree.files) throw new Error(`Cannot measure plexlift: ${compared.files} files were compared, not ${tree.files}`);
  await waiting.reset();
  return { took: { ...watched, seconds }, peakMemoryMb, verifiedFiles: compared.files };
}

/** A line of shell into a fresh directory; what it made is counted, so that no way wins by leaving something out. */
async function copyByShell(course: Course, name: Exclude<WayName, 'plexlift'>): Promise<Omit<Measurement, 'way' | 'round'>> {
  const { bed, archives, longestSeconds, signal } = course;
  const place = placeOnVolume(bed, name);
  await removeWhole(place.here);
  await mkdir(place.here, { recursive: true });
  await settle(bed, signal, name === 'floor' ? archives : undefined);
  const took = await untilCutOff(shellWork(shellWays[name].line(bed, { ...place, archives }), { signal, longestSeconds }));
  if (took.isCutOff) endInPod(place);
  else requireAllMade(course, { name, here: place.here });
  await removeWhole(place.here);
  return took;
}

/** Tries again while something that was just ended still makes files in it. */
async function removeWhole(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
}

/** Where kubectl is killed, the program that it started in the pod goes on, and would wait for ever for somebody to read its complaints. */
function endInPod({ here, inPod }: ReturnType<typeof placeOnVolume>): void {
  signalProcesses(processesThatSee({ outside: here, inside: inPod }).filter(({ command }) => command.includes(inPod)), 'SIGKILL');
}

function requireAllMade({ bed, tree, tell }: Course, { name, here }: { readonly name: Exclude<WayName, 'plexlift'>; readonly here: string }): void {
  const [way, made] = [shellWays[name], countBulk(here)];
  const wanted = way.only === undefined ? tree.files : way.only.reduce((sum, directory) => sum + countBulk(join(bed.data, directory)).files, 0);
  if (made.files === wanted) return;
  const fault = `${name} copied ${made.files} files of ${wanted}`;
  if (name !== 'kubectl-cp') throw new Error(`Cannot compare with ${name}: ${fault}`);
  tell(fault);
}

async function untilCutOff(work: Promise<Took>): Promise<Took & { readonly isCutOff: boolean }> {
  try {
    const { seconds, cpuSeconds, stolenSeconds } = await work;
    return { seconds, cpuSeconds, stolenSeconds, isCutOff: false };
  } catch (error) {
    if (!(error instanceof CutOff)) throw error;
    return { ...error.took, isCutOff: true };
  }
}

async function measureLink(course: Course, { round, verified }: { readonly round: number; readonly verified: (run: Landed) => void }): Promise<LinkMeasurement> {
  const { bed, signal } = course;
  const plexlift = async (): Promise<number> => {
    const run = await copyByPlexlift(course);
    verified(run);
    return run.took.seconds;
  };
  const link = async () => {
    await settle(bed, signal);
    return shellWork(`${sourceTar(bed)} | wc --bytes`, { signal });
  };
  // Each is first as often as the other.
  const before = round % 2 === 0 ? await link() : undefined;
  const seconds = await plexlift();
  const bare = before ?? (await link());
  return { round, seconds, linkSeconds: bare.seconds, tarBytes: Number(bare.stdout) };
}

/** Brings everything to disk and what will be read into memory, so that no way pays for another. */
async function settle({ data }: Bed, signal: AbortSignal, archives?: string): Promise<void> {
  await runOnHost(['sync'], { timeoutMs: syncTimeoutMs });
  await shellWork(archives === undefined ? `tar --create --file=- --directory=${quoted(data)} . 2>/dev/null | cat >/dev/null || true` : `cat ${quoted(archives)}/* >/dev/null`, { signal });
}

function rotated<Item>(list: readonly Item[], by: number): readonly Item[] {
  const at = by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}
