import type { WrittenConfiguration } from './otherConfigurations.ts';

/** A way to make a configuration that works wrong, and what a person must then be told. */
export interface WrongConfiguration {
  readonly name: string;
  readonly change: (configuration: WrittenConfiguration) => void;
  readonly says: readonly (string | RegExp)[];
  /** Words for `migrate` without which another question would come first. */
  readonly words?: readonly string[];
}

/** Those that can be told from the file alone. */
export const unusableConfigurations: readonly WrongConfiguration[] = [
  { name: 'unknown keys', change: (configuration) => Object.assign(configuration, { pathes: [] }, { source: { ...configuration.source, user: 'alex' } }), says: ['unknown "pathes"', 'source: unknown "user"', 'plexlift init'] },
  { name: 'a mapping that is not absolute', change: (configuration) => Object.assign(configuration, { paths: [{ from: 'nas-plex', to: '/media/library' }] }), says: ['"nas-plex"', 'absolute'] },
  { name: 'a target path that is not absolute', change: (configuration) => Object.assign(configuration, { paths: [{ from: '/mnt/nas-plex', to: 'media/library' }] }), says: ['"media/library"', 'absolute'] },
  { name: 'two mappings of one path', change: (configuration) => configuration.paths.push({ from: '/mnt/nas-plex/', to: '/media/other' }), says: ['"/mnt/nas-plex"', 'given twice', 'Keep one'] },
];

/** Those that only source or target can tell; the target's namespace is "matching", its release "plex". */
export const refusedConfigurations: readonly WrongConfiguration[] = [
  { name: 'a release that is not there', change: kubernetes({ release: 'plexx' }), says: ['Cannot find the Helm release "plexx" in namespace "matching"', 'helm list'] },
  { name: 'a namespace that is not there', change: kubernetes({ namespace: 'nowhere' }), says: [/Cannot do what has to be done in namespace "nowhere": not allowed: get, delete pods/, 'namespace: nowhere'] },
  { name: 'a context that is not there', change: kubernetes({ context: 'elsewhere' }), says: ['elsewhere', 'kubectl config get-contexts'] },
  { name: 'a kubeconfig that is not there', change: kubernetes({ kubeconfig: '/nonexistent/kubeconfig' }), says: ['/nonexistent/kubeconfig', 'target.kubernetes.kubeconfig'] },
  { name: 'no kubectl', change: kubernetes({ kubectl: 'kubectl-that-is-not-there' }), says: ['kubectl-that-is-not-there', 'not found', 'target.kubernetes.kubectl'] },
  { name: 'no helm', change: kubernetes({ helm: 'helm-that-is-not-there' }), says: ['helm-usable', 'helm-that-is-not-there', 'not found', 'target.kubernetes.helm'] },
  { name: 'a library that no mapping covers', change: (configuration) => configuration.paths.shift(), says: ['mapping-covers-libraries', '"/mnt/nas-plex/', 'Add a mapping'], words: ['--yes', 'existing-library'] },
  { name: 'a mapping to where nothing is mounted', change: (configuration) => Object.assign(configuration.paths[1] ?? {}, { to: '/media/elsewhere' }), says: ['mapping-has-mounts', '"/media/elsewhere"', 'extraVolumeMounts'] },
];

function kubernetes(changes: Record<string, unknown>) {
  return (configuration: WrittenConfiguration): void => void Object.assign(configuration.target.kubernetes, changes);
}
