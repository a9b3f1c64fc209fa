import type { Source } from './source.ts';

/**
 * A source whose machine cannot be reached, for commands that have work to do without it: months after a migration the old machine may be
 * switched off, or gone for good. It has its name; asked anything else, it throws `reason`, which is why it could not be reached.
 */
export function absentSource(name: string, reason: unknown): Source {
  const refuse = (): Promise<never> => Promise.reject(reason);
  const tree: Source['tree'] = {
    name,
    list: () => ({ [Symbol.asyncIterator]: () => ({ next: refuse }) }),
    read() {
      throw reason;
    },
  };
  return {
    kind: 'absent',
    name,
    checks: [],
    describe: refuse,
    tree,
    treeWhileServing: tree,
    takeCatalogue: refuse,
    activity: refuse,
    isRunning: refuse,
    fingerprintCatalogue: refuse,
    checkWithOwnSqlite: refuse,
    stop: refuse,
    keepStopped: refuse,
    isKeptStopped: refuse,
    restore: refuse,
    connect: refuse,
    sampleMedia: refuse,
    async close() {},
  };
}
