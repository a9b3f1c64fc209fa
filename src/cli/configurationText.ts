import { stringify } from 'yaml';
import { PlexliftError } from '../errors.ts';

/** The text of a configuration for an ssh source and a Helm release. `maps` are `from=to`. Throws `usage` for one that is not. */
export function configurationText(answers: { readonly source: string; readonly context: string; readonly namespace: string; readonly release: string; readonly maps: readonly string[] }): string {
  const kubernetes = { ...(answers.context === '' ? {} : { context: answers.context }), namespace: answers.namespace, release: answers.release };
  return stringify({ source: { ssh: answers.source }, target: { kubernetes }, paths: answers.maps.map(parsePair) });
}

function parsePair(map: string): { readonly from: string; readonly to: string } {
  const [from, to, ...rest] = map.trim().split('=');
  if (from === undefined || to === undefined || rest.length > 0) throw new PlexliftError('usage', `Cannot read the mapping "${map}"`, { remedy: 'Write FROM=TO, for example /mnt/nas-plex=/media/library; paths with "=" go into the file by hand' });
  return { from, to };
}
