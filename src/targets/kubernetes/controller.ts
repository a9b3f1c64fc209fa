import { PlexliftError } from '../../errors.ts';
import type { StatefulSet } from './workload.ts';

/** A GitOps controller that makes a release what it is, and would undo what anybody else changes in it. */
export interface Controller {
  readonly name: 'Argo CD' | 'Flux';
  /** What of it makes the release, as far as the marks tell, e.g. `HelmRelease "flux-system/plex"`. */
  readonly object: string;
  /** Names of the labels and annotations by which it was known. */
  readonly marks: readonly string[];
  /** Managers of fields that are it. */
  readonly managers: readonly string[];
}

/** A controller with what of it makes the release, and by what it was known. */
export function controllerText({ name, object, marks, managers }: Controller): string {
  return `${name} (${object}; ${[...marks, ...managers.map((manager) => `fields managed by ${manager}`)].join(', ')})`;
}

/** How each leaves its marks on what it makes. With the tracking by label that Argo CD had before 3.0, only the managed fields tell. */
const signs: readonly { readonly name: Controller['name']; readonly metadata: readonly string[]; readonly managers: readonly string[]; readonly object: (set: StatefulSet['metadata']) => string }[] = [
  {
    name: 'Argo CD',
    metadata: ['argocd.argoproj.io/tracking-id', 'argocd.argoproj.io/instance'],
    managers: ['argocd-controller', 'argocd-application-controller'],
    object({ annotations, labels }) {
      const application = annotations['argocd.argoproj.io/tracking-id']?.split(':')[0] ?? labels['argocd.argoproj.io/instance'];
      return application === undefined ? 'its Application' : `Application "${application}"`;
    },
  },
  {
    name: 'Flux',
    metadata: ['helm.toolkit.fluxcd.io/name', 'kustomize.toolkit.fluxcd.io/name'],
    managers: ['helm-controller', 'kustomize-controller'],
    object({ labels }) {
      const namespaced = (kind: string): string | null => {
        const name = labels[`${kind}.toolkit.fluxcd.io/name`];
        return name === undefined ? null : `"${labels[`${kind}.toolkit.fluxcd.io/namespace`] ?? '?'}/${name}"`;
      };
      const [helm, kustomize] = [namespaced('helm'), namespaced('kustomize')];
      return helm !== null ? `HelmRelease ${helm}` : kustomize !== null ? `Kustomization ${kustomize}` : 'its HelmRelease';
    },
  },
];

/** Every controller whose marks a StatefulSet carries. */
export function controllersOf({ metadata }: Pick<StatefulSet, 'metadata'>): readonly Controller[] {
  return signs.flatMap((sign) => {
    const marks = sign.metadata.filter((mark) => metadata.labels[mark] !== undefined || metadata.annotations[mark] !== undefined);
    const managers = sign.managers.filter((manager) => metadata.managedFields.some((field) => field.manager === manager));
    return marks.length + managers.length === 0 ? [] : [{ name: sign.name, object: sign.object(metadata), marks, managers }];
  });
}

/** The controller that owns a release; null where Helm alone changes it. Refuses two: nobody could tell whom to wait for. */
export function controllerOf(set: StatefulSet, namespace: string): Controller | null {
  const [only, ...others] = controllersOf(set);
  if (others.length === 0) return only ?? null;
  throw new PlexliftError('refused', `Cannot tell who owns the release of StatefulSet "${set.metadata.name}": it carries marks of ${controllersOf(set).map(({ name }) => name).join(' and ')}`, {
    facts: controllersOf(set).map(controllerText),
    remedy: `Have one of them own it, and run the same command again. ${takeOffText(set, namespace)}`,
  });
}

/** How to take off what a controller left behind, for each whose marks are there: a sentence, and lines to be copied. */
export function takeOffText(set: StatefulSet, namespace: string): string {
  const commands = controllersOf(set).map((controller) => `${controller.name}:\n  ${unmarkCommands(controller, { set, namespace }).join(' && ')}`);
  return ['Marks of one that is not at work any more are taken off with:', ...commands].join('\n');
}

/** The commands that take the marks of one controller off a StatefulSet, and leave those of others. Only its own of the managed fields: what Helm manages, Helm has to know. */
function unmarkCommands({ marks, managers }: Controller, { set, namespace }: { readonly set: StatefulSet; readonly namespace: string }): readonly string[] {
  const place = `statefulset ${set.metadata.name} --namespace ${namespace}`;
  const words = marks.map((mark) => `${mark}-`).join(' ');
  // From behind, so that no place moves; and before the marks go, because a manager without any field goes by itself.
  const managed = set.metadata.managedFields.flatMap(({ manager }, at) => (managers.includes(manager) ? [{ manager, path: `/metadata/managedFields/${at}` }] : [])).toReversed();
  const operations = managed.flatMap(({ manager, path }) => [{ op: 'test', path: `${path}/manager`, value: manager }, { op: 'remove', path }]);
  return [...(operations.length === 0 ? [] : [`kubectl patch ${place} --type json --patch '${JSON.stringify(operations)}'`]), ...(words === '' ? [] : [`kubectl label ${place} ${words}`, `kubectl annotate ${place} ${words}`])];
}
