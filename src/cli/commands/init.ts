import { existsSync, writeFileSync } from 'node:fs';
import { isCancel, text } from '@clack/prompts';
import { Option } from 'commander';
import { messageOf, PlexliftError } from '../../errors.ts';
import { configurationText } from '../configurationText.ts';
import { parseConfiguration } from '../configuration.ts';
import type { CommandSpec, Invocation } from '../command.ts';
import { configurationFile, listOption, sharedOptions, textOption } from '../options.ts';

interface Answers {
  readonly source: string;
  readonly context: string;
  readonly namespace: string;
  readonly release: string;
  readonly maps: readonly string[];
}

const collect = (value: string, earlier: readonly string[] = []): readonly string[] => [...earlier, value];

/** Writes a configuration from flags, or from what a person answers. */
export const init: CommandSpec = {
  usage: 'init',
  summary: 'write plexlift.yaml, from the flags below or by asking',
  options: [
    sharedOptions.configuration,
    new Option('--source <user@host>', 'the machine Plex runs on, as ssh knows it'),
    new Option('--context <name>', 'the kubectl context (default: the current one)'),
    new Option('--namespace <name>', 'the namespace of the release'),
    new Option('--release <name>', 'the Helm release of Plex'),
    new Option('--map <from=to>', 'a media path on the source and where the pod sees it; may be repeated').argParser(collect),
  ],
  async run(invocation) {
    const file = configurationFile(invocation.options, invocation.terminal);
    if (existsSync(file)) throw new PlexliftError('usage', `Cannot write "${file}": it is there already`, { remedy: 'Edit it, or name another with --config FILE' });
    const content = configurationText(await answersFrom(invocation));
    parseConfiguration(content, file);
    try {
      writeFileSync(file, content, { flag: 'wx' });
    } catch (error) {
      throw new PlexliftError('usage', `Cannot write "${file}": ${messageOf(error)}`, { remedy: 'Make its directory, or name another file with --config FILE', cause: error });
    }
    invocation.terminal.stdout.write(`${file}\n`);
    invocation.terminal.stderr.write('Next: plexlift check\n');
    return 0;
  },
};

async function answersFrom({ options, terminal }: Invocation): Promise<Answers> {
  const answer = async (name: string, question: string, example: string): Promise<string> => {
    const given = textOption(options, name);
    if (given !== undefined) return given;
    if (!terminal.interactive) throw new PlexliftError('usage', `Cannot write a configuration without --${name}`, { remedy: `Give it, for example --${name} ${example}, or run "plexlift init" in a terminal` });
    const typed = await text({ message: question, placeholder: example, output: terminal.stderr });
    if (isCancel(typed)) throw new PlexliftError('refused', 'Stopped while asking', { remedy: 'Nothing was written; run "plexlift init" again' });
    return typed;
  };
  const source = await answer('source', 'Where does Plex run now, as you would type it after "ssh"?', 'alex@192.168.13.21');
  const release = await answer('release', 'What is the Helm release of Plex called?', 'plex');
  const namespace = await answer('namespace', 'In which namespace is it?', 'plex');
  const given = listOption(options, 'map');
  const maps = given.length > 0 ? given : (await answer('map', 'Which media path becomes which? (from=to, several with commas)', '/mnt/nas-plex=/media/library')).split(',');
  return { source, context: textOption(options, 'context') ?? '', namespace, release, maps };
}
