import { PlexliftError } from '../errors.ts';

/** The volume has no room for what comes: trying again does not help until somebody made some. */
export class VolumeFull extends PlexliftError {
  constructor(where: string, facts: readonly string[]) {
    super('failed', `The volume of ${where} is full`, {
      remedy: 'Enlarge the volume, or free some of its bytes or inodes, then run the same command again: what has landed is not sent again',
      facts,
    });
  }
}
