import { Option } from 'commander';
import { exitCodes } from '../../errors.ts';
import { catalogueArgument, requirePair } from '../byHand/catalogueArgument.ts';
import type { CommandSpec } from '../command.ts';
import { proveByHand } from '../byHand/handProof.ts';
import { givenMapping, mappingOptions } from '../byHand/mappingOptions.ts';
import { openQuestions, proofText } from '../byHand/proofText.ts';

const remedy = 'Do not start a server on NEW as it is. Begin again with a copy of OLD; "plexlift rewrite" makes NEW from it, and proves it';

/** Proves a rewrite that somebody made by hand: two libraries and a mapping, no run, no configuration needed. */
export const prove: CommandSpec = {
  usage: 'prove <old> <new>',
  summary: 'prove that NEW is OLD with exactly the paths changed that the mapping changes; two databases or two data directories, neither is changed',
  options: [...mappingOptions, new Option('--json', 'print the result as one JSON object')],
  async run({ options, terminal, positional }) {
    const given = givenMapping({ options, terminal });
    const [old, made] = [catalogueArgument(positional[0] ?? '', terminal), catalogueArgument(positional[1] ?? '', terminal)];
    requirePair(old, made);
    if (terminal.interactive) terminal.stderr.write('Comparing; this may take a minute for a large library\n');
    const sides = { old, made };
    const proof = await proveByHand(sides, { ...given, signal: terminal.signal });
    for (const warning of proof.warnings) terminal.stderr.write(`note: ${warning}\n`);
    if (options['json'] === true) {
      const { ok, report, databases, settings, roots, isSwapped, warnings } = proof;
      const { notProven: _, ...compared } = report;
      terminal.stdout.write(`${JSON.stringify({ ...compared, ok, old: old.path, new: made.path, pairs: given.pairs, fileGuids: given.fileGuids, databases, settings, roots, isSwapped, warnings, notProven: openQuestions(proof) })}\n`);
    } else {
      terminal.stdout.write(proofText(proof, { sides, given, remedy }));
    }
    return proof.ok ? exitCodes.done : exitCodes.difference;
  },
};
