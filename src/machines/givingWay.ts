import type { Command } from './machine.ts';

/**
 * Runs its arguments with the least priority for processor and disk that this machine can give. Both are tried before they are used,
 * since a program that is missing, or may not do it, must not keep the work from being done. Not the idle class: it gets nothing
 * at all while a disk is busy, which could not be told from a reader that hangs.
 */
const script = 'ionice -c 2 -n 7 true 2>/dev/null && set -- ionice -c 2 -n 7 "$@"; nice -n 19 true 2>/dev/null && set -- nice -n 19 "$@"; exec "$@"';

/** The same command, giving way to everything else on its machine: for long reading beside a server that people use. */
export function givingWay(inner: Command): Command {
  return { ...inner, program: 'sh', arguments: ['-c', script, 'sh', inner.program, ...inner.arguments] };
}
