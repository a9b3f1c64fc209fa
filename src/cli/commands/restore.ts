import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { Option } from 'commander';
import { restoreCatalogue, type Restored } from '../../catalogue/restore.ts';
import { exitCodes, messageOf, PlexliftError } from '../../errors.ts';
import { catalogueNames, recordedCatalogue, type CatalogueName, type RecordedCatalogue } from '../../migration/recordedCatalogues.ts';
import { isDatedBackup, preferencesFile } from '../../plex/dataDirectory.ts';
import { readPreferences } from '../../plex/preferences.ts';
import { bytesText } from '../../units.ts';
import type { CommandSpec, Invocation } from '../command.ts';
import { configurationFile, sharedOptions, textOption } from '../options.ts';
import { restoreAdvice } from '../byHand/restoreAdvice.ts';
import { existingRun } from '../session.ts';

/** Copies what a run keeps of the catalogue into a new directory, proven against the record, and says how to put it in place. */
export const restore: CommandSpec = {
  usage: 'restore <directory>',
  summary: 'copy the backup of a run into a new directory, proven against the record, and say how to put it in place',
  options: [sharedOptions.configuration, sharedOptions.run, new Option('--of <which>', 'which copy: "backup" (default), "taken", "settled" or "rewritten"').choices(catalogueNames)],
  async run(invocation) {
    const { options, terminal, positional } = invocation;
    const name = (textOption(options, 'of') ?? 'backup') as CatalogueName;
    requireRun(invocation);
    const run = existingRun(invocation);
    const recorded = recordedCatalogue(name, run);
    if (recorded === null) throw notRecorded(name, run);
    const into = resolve(terminal.currentDirectory, positional[0] ?? '');
    const wasThere = existsSync(into);
    requireEmpty(into);
    const restored = await restoreInto(into, { recorded, wasThere });
    if (!restored.ok) {
      clear(into, wasThere);
      throw new PlexliftError('refused', `Cannot restore "${recorded.directory}": it is not what was recorded when it was made`, {
        facts: restored.faults,
        remedy: `Nothing was left in "${into}". Restore another copy of the run (--of ${catalogueNames.filter((other) => other !== name).join(', --of ')})`,
      });
    }
    terminal.stdout.write(restoredText(restored, { recorded, into }));
    terminal.stderr.write(restoreAdvice({ name, into, events: run.events }));
    return exitCodes.done;
  },
};

/** On the day this is needed there may be no configuration any more, and none is needed. */
function requireRun({ options, terminal }: Pick<Invocation, 'options' | 'terminal'>): void {
  if (textOption(options, 'run') !== undefined || textOption(options, 'config') !== undefined || existsSync(configurationFile(options, terminal))) return;
  throw new PlexliftError('usage', 'Cannot tell which run to restore from', {
    remedy: `Name its directory with --run DIRECTORY (below "${resolve(terminal.stateHome, 'plexlift')}", where nothing else was said), or its configuration with --config FILE`,
  });
}

function notRecorded(name: CatalogueName, run: ReturnType<typeof existingRun>): PlexliftError {
  const others = catalogueNames.filter((other) => recordedCatalogue(other, run) !== null);
  return new PlexliftError('usage', `Cannot restore "${name}": the run in "${run.directory.root}" has not got that far`, {
    remedy: others.length === 0 ? 'This run has made no copy of the catalogue yet; "plexlift migrate" goes on' : `It has made: ${others.join(', ')}; name one with --of`,
  });
}

function requireEmpty(into: string): void {
  const found = statSync(into, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (found.isDirectory() && readdirSync(into).length === 0) return;
  throw new PlexliftError('refused', `Cannot restore into "${into}": ${found.isDirectory() ? 'it is not empty' : 'it is no directory'}`, {
    remedy: 'Name a directory that does not exist yet: nothing is ever copied over what is there',
  });
}

async function restoreInto(into: string, { recorded, wasThere }: { readonly recorded: RecordedCatalogue; readonly wasThere: boolean }): Promise<Restored> {
  try {
    mkdirSync(into, { recursive: true });
    return await restoreCatalogue({ from: recorded.directory, files: recorded.files, into });
  } catch (thrown) {
    clear(into, wasThere);
    if (!isOfTheSystem(thrown)) throw thrown;
    throw new PlexliftError('failed', `Cannot restore into "${into}": ${messageOf(thrown)}`, {
      remedy: 'Make room there, or name a directory that you can write to; then run the same command again',
      cause: thrown,
    });
  }
}

/** A file system that is full, or says no: told as such, whichever call met it. */
function isOfTheSystem(thrown: unknown): boolean {
  return thrown instanceof Error && (thrown instanceof PlexliftError ? thrown.kind === 'failed' : 'syscall' in thrown);
}

/** What was not proven must not be used: a directory made for it goes, one that was there is empty again. */
function clear(into: string, wasThere: boolean): void {
  if (!wasThere) rmSync(into, { recursive: true, force: true });
  else for (const name of readdirSync(into)) rmSync(join(into, name), { recursive: true, force: true });
}

const whatIs: Readonly<Record<CatalogueName, string>> = {
  backup: 'backup, taken before anything was touched; paths of the source',
  taken: 'databases as they lay there after Plex was stopped; paths of the source',
  settled: 'databases taken after Plex was stopped, logs applied; paths of the source',
  rewritten: 'databases as they were delivered; paths of the target',
};

function restoredText(restored: Restored, { recorded, into }: { readonly recorded: RecordedCatalogue; readonly into: string }): string {
  const identity = existsSync(join(into, preferencesFile)) ? readPreferences(readFileSync(join(into, preferencesFile))).get('ProcessedMachineIdentifier') : null;
  const databases = restored.databases.map(({ file, tables, rows, logBytes }) => {
    const log = logBytes === 0 ? '' : `; its write-ahead log (${bytesText(logBytes)}) was taken into it`;
    return `  ${basename(file)}: opened; ${tables} tables, ${rows.toLocaleString('en-GB')} rows counted${log}`;
  });
  const dated = recorded.files.filter(({ path }) => isDatedBackup(basename(path))).length;
  return [
    `Restored into ${into}`,
    `  from ${recorded.directory}, made ${recorded.madeAt} by the step "${recorded.step}"`,
    `  (${whatIs[recorded.name]})`,
    ...databases,
    ...(dated === 0 ? [] : [`  ${dated} dated backups that Plex made: copied as they are`]),
    ...(identity === null ? [] : [`  ${preferencesFile}: the server ${identity}`]),
    `Every one of ${restored.files} files (${bytesText(restored.bytes)}) has the SHA-256 that was recorded when it was made`,
    '',
  ].join('\n');
}
