import type { PathColumn } from './pathColumns.ts';
import { afterMove, longestFirst, reversedRule, type PathMapping } from './pathMapping.ts';
import { moveOfValue } from './pathValue.ts';

/** What the reverse of a mapping would do, also where the mapping as a whole has no reverse. */
export interface Reversal {
  /** True where the reverse makes of `after` exactly the bytes of `before`: what the mapping made of it, or `before` itself where no rule has it. */
  givesBack(form: PathColumn['form'], cell: { readonly before: Buffer; readonly after: Buffer }): boolean;
}

/** Looks at a mapping from its far end. Nothing comes back from a directory that is the target of two rules. */
export function reversalOf(mapping: PathMapping): Reversal {
  const targets = mapping.rules.map(({ to }) => to);
  const shared = new Set(targets.filter((target, place) => targets.indexOf(target) !== place));
  const reverse: PathMapping = { rules: longestFirst(mapping.rules.map(reversedRule)) };
  return {
    givesBack(form, { before, after }) {
      const back = moveOfValue(reverse, form, after);
      return back === null ? after.equals(before) : !shared.has(back.rule.from) && afterMove(after, back.move).equals(before);
    },
  };
}
