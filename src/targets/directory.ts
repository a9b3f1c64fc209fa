import { posix } from 'node:path';
import { command, shellLine } from '../machines/command.ts';
import type { Machine } from '../machines/machine.ts';
import type { Owner } from '../transfer/entry.ts';
import { directoryChecks } from './directoryChecks.ts';
import type { Gate } from './gate/gate.ts';
import { gateClient } from './gate/gate.ts';
import { gateScriptPath } from './gate/gateScript.ts';
import { leftoversAt } from './leftovers.ts';
import { othersLibrary } from './othersLibrary.ts';
import type { GateState, Target, TargetFacts, WayBack } from './target.ts';

/** Where a directory target lies and what is known of its media. */
export interface DirectoryTargetOptions {
  /** Absolute path; the library becomes `DIRECTORY/Library/Application Support/Plex Media Server`. Made by `open` where it is missing. */
  readonly directory: string;
  /** Where media can be found on that machine; absent: any path may exist. */
  readonly mounts?: readonly string[];
  /** The source's data directory, where it is on the same machine: the target must be apart from it. */
  readonly sourceDirectory?: string;
}

/** A directory on a machine that has this program's files (this computer): for rehearsals, and for servers that run beside no cluster. It has no server. */
export function directoryTarget(machine: Machine, options: DirectoryTargetOptions): Target {
  const { directory } = options;
  let known: Promise<Gate> | undefined;

  function gateAt(root: string, owner: Owner): Gate {
    return gateClient({ machine, script: ['sh', gateScriptPath], root, owner, anyDirectoryIsAMount: true });
  }

  function gate(): Promise<Gate> {
    known ??= ownerOn(machine).then((owner) => gateAt(directory, owner));
    return known;
  }

  async function stateNow(): Promise<GateState> {
    return (await exists(machine, directory)) ? await (await gate()).state() : { phase: 'none', run: null };
  }

  async function withdraw({ runs }: WayBack): Promise<readonly string[]> {
    const { phase, run } = await stateNow();
    if (run === null || phase === 'landing') return [];
    if (!runs.includes(run)) return othersLibrary({ phase, run }, directory);
    const volume = await gate();
    if (phase !== 'withdrawn') await volume.hold(run);
    return await volume.withdraw(run);
  }

  return {
    kind: 'directory',
    name: `directory ${directory}`,
    checks: directoryChecks(machine, { ...options, room: () => roomFor(directory) }),
    checksWhenHeld: [],

    async describe(): Promise<TargetFacts> {
      const existed = await exists(machine, directory);
      const { phase, run } = await stateNow();
      return {
        kind: 'directory',
        name: directory,
        version: null,
        owner: await ownerOn(machine),
        existingLibrary: existed ? await (await gate()).identity() : { present: false, machineIdentifier: null, sizeBytes: null },
        room: await roomFor(directory),
        mounts: options.mounts ?? null,
        timeZone: null,
        memoryLimitBytes: null,
        before: { existed, phase, run },
      };
    },

    async open({ run, whenHeld }): Promise<readonly string[]> {
      if (!(await exists(machine, directory))) await machine.run(command('mkdir', '-p', '--', directory));
      await whenHeld?.();
      const state = await (await gate()).open(run);
      return state.phase === 'landing' ? [`The landing area is "${posix.join(directory, '.plexlift', run)}"`] : [`Run "${run}" is at phase ${state.phase} already`];
    },

    state: stateNow,
    room: async () => await (await gate()).room(),
    mounts: async (paths) => await (await gate()).mounts(paths),
    bootId: async () => await (await gate()).bootId(),
    receive: async (segment, tar) => await (await gate()).receive(segment, tar),
    receiptOf: async (segment) => await (await gate()).receiptOf(segment),
    remove: async (paths) => await (await gate()).remove(paths),
    async *landed(directories) {
      yield* (await gate()).landed(directories);
    },
    landedDigest: async (withoutTime) => await (await gate()).landedDigest(withoutTime),
    digestsOf: async (paths) => await (await gate()).digestsOf(paths),
    async *lookUp(paths) {
      yield* (await gate()).lookUp(paths);
    },
    sampleMedia: async (path, firstBytes) => await (await gate()).sampleMedia(path, firstBytes),
    checkDatabases: async (paths) => await (await gate()).checkDatabases(paths),
    keepJournal: async (journal) => await (await gate()).keepJournal(journal),
    publish: async (seal) => await (await gate()).publish(seal),

    // No server belongs to a directory.
    connect: async () => await Promise.resolve(null),
    serving: async () => await Promise.resolve(null),
    leftovers: async () => ((await exists(machine, directory)) ? leftoversAt(machine, { root: directory, removal: (path) => shellLine(command('rm', '-rf', path)) }) : []),

    async editPreferences(edit): Promise<void> {
      const volume = await gate();
      const bytes = await volume.readPreferences();
      const edited = edit(bytes);
      if (!edited.equals(bytes)) await volume.writePreferences(edited);
    },

    withdraw,

    async restore(): Promise<readonly string[]> {
      const { phase, run } = await stateNow();
      // What was copied stays, so that a run that is taken up again need not copy it twice.
      return phase === 'landing' ? [`What run "${run ?? ''}" copied stays in "${posix.join(directory, '.plexlift')}", for when it is taken up again; delete that directory if it never is`] : [];
    },

    finish: async ({ runs }) => ((await exists(machine, directory)) ? await (await gate()).clear(runs) : []),

    close: async () => await Promise.resolve(),
  };

  async function roomFor(path: string): Promise<Awaited<ReturnType<Gate['room']>>> {
    let place = path;
    while (!(await exists(machine, place)) && place !== posix.dirname(place)) place = posix.dirname(place);
    return await gateAt(place, await ownerOn(machine)).room();
  }
}

async function exists(machine: Machine, path: string): Promise<boolean> {
  return (await machine.run(command('test', '-e', path), { answers: [0, 1] })).exitCode === 0;
}

async function ownerOn(machine: Machine): Promise<Owner> {
  const [uid, gid] = await Promise.all([machine.run(command('id', '-u')), machine.run(command('id', '-g'))]);
  return { uid: Number(uid.stdout.trim()), gid: Number(gid.stdout.trim()) };
}
