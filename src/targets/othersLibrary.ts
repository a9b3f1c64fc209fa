import { PlexliftError } from '../errors.ts';
import type { GateState } from './target.ts';

/** For a volume that is at a run of another run directory: that one's library is nobody else's to withdraw. No sentences where none of it waits to be withdrawn. */
export function othersLibrary({ phase, run }: GateState, name: string): readonly string[] {
  if (phase !== 'publishing' && phase !== 'published') return [];
  throw new PlexliftError('refused', `Cannot roll back on ${name}: its volume has the library of run "${run ?? ''}", which was begun with another run directory`, {
    remedy: 'Nothing was withdrawn. "plexlift rollback" with that run directory (--run) comes first, then this one',
  });
}
