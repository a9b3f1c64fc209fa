import { existsSync } from 'node:fs';
import { Option } from 'commander';
import { PlexliftError } from '../../errors.ts';
import type { FileGuids } from '../../plex/pathColumns.ts';
import { invertMapping, parseMapping, type MappingPair, type PathMapping } from '../../plex/pathMapping.ts';
import type { Invocation } from '../command.ts';
import { readConfiguration } from '../configuration.ts';
import { collect, configurationFile, listOption, sharedOptions, textOption } from '../options.ts';

/** The options of a command that works with a mapping and needs no configuration. */
export const mappingOptions = [
  new Option('--map <from=to>', 'a directory as OLD has it and what it is in NEW; may be repeated (default: the paths of the configuration)').argParser(collect),
  new Option('--reverse', 'the pairs the other way round: from what the target has, back to what the source had'),
  new Option('--file-guids', 'identifiers that are file:// URLs are mapped as well'),
  sharedOptions.configuration,
] as const;

/** A mapping as asked for, already turned round where that was asked for. */
export interface GivenMapping {
  /** From what OLD holds to what NEW holds. */
  readonly pairs: readonly MappingPair[];
  readonly mapping: PathMapping;
  readonly fileGuids: FileGuids;
}

/** The mapping that the options give, or that the configuration has where they give none. Throws `usage`. */
export function givenMapping({ options, terminal }: Pick<Invocation, 'options' | 'terminal'>): GivenMapping {
  const maps = listOption(options, 'map');
  const file = configurationFile(options, terminal);
  const isNamed = textOption(options, 'config') !== undefined;
  if (maps.length > 0 && isNamed) throw new PlexliftError('usage', 'Cannot use both --map and --config: each gives a mapping', { remedy: 'Give one of the two' });
  if (maps.length === 0 && !isNamed && !existsSync(file)) {
    throw new PlexliftError('usage', 'Cannot tell what the mapping is', { remedy: 'Give it with --map FROM=TO, once for each directory, or name a configuration with --config FILE ("plexlift init" writes one)' });
  }
  const { paths, fileGuids } = maps.length > 0 ? { paths: maps.map(parsePair), fileGuids: 'leave' as const } : readConfiguration(file);
  const isReversed = options['reverse'] === true;
  const forward = parseMapping(paths);
  // In the order given, without final slashes.
  const pairs = paths.flatMap((pair) => parseMapping([pair]).rules).map(({ from, to }) => (isReversed ? { from: to, to: from } : { from, to }));
  return { pairs, mapping: isReversed ? invertMapping(forward) : forward, fileGuids: options['fileGuids'] === true ? 'rewrite' : fileGuids };
}

/** FROM=TO. Both begin with "/", so the first "=/" parts them: a "=" in FROM is no trouble. */
function parsePair(text: string): MappingPair {
  const whole = text.indexOf('=/');
  const at = whole === -1 ? text.indexOf('=') : whole;
  if (at === -1) throw new PlexliftError('usage', `Cannot read the mapping "${text}"`, { remedy: 'Write FROM=TO, for example --map /mnt/nas-plex=/media/library' });
  return { from: text.slice(0, at), to: text.slice(at + 1) };
}
