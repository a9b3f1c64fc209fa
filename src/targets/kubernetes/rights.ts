import { createHash } from 'node:crypto';

/** What an optional part of the chart adds to what is needed. */
export type ChartPart = 'ingress' | 'httpRoute';

/** A rule of a role: verbs on one resource (`pods/exec` is a subresource), and what plexlift does with them. */
export interface RightsRule {
  readonly group: string;
  readonly resource: string;
  readonly verbs: readonly string[];
  readonly purpose: string;
  /** Those of the verbs that only Helm asks for: not needed where a controller owns the release. */
  readonly ofHelm?: readonly string[];
  /** Needed only where the release has this part. */
  readonly part?: ChartPart;
}

/** Whoever is to have rights, as RBAC names it. */
export type RightsSubject = { readonly kind: 'ServiceAccount'; readonly name: string; readonly namespace: string } | { readonly kind: 'User'; readonly name: string };

/**
 * Everything that plexlift, and the kubectl and helm it runs, ask of a cluster; all of it in the namespace of the release. The check, the
 * role that is printed where something is missing, and docs/rbac.yaml are made from this list; test/e2e/rights.test.ts holds it against
 * the audit log of an API server.
 */
export const rightsRules: readonly RightsRule[] = [
  { group: '', resource: 'pods', verbs: ['get', 'delete'], purpose: 'Look at the pod, and replace it: a StatefulSet does not replace one that is held back' },
  { group: '', resource: 'pods/exec', verbs: ['create', 'get'], purpose: 'Work on the volume from inside the pod; kubectl asks for "get" first (WebSocket, for which newer API servers want "create" too), and for "create" where it falls back to SPDY' },
  { group: '', resource: 'pods/portforward', verbs: ['create', 'get'], purpose: 'Ask the server in the pod; the two verbs as above' },
  { group: 'apps', resource: 'statefulsets', verbs: ['get', 'list', 'patch'], ofHelm: ['get', 'patch'], purpose: 'Find the workload of the release; Helm puts the gate into it and takes it out again' },
  { group: '', resource: 'secrets', verbs: ['get', 'list', 'create', 'update'], ofHelm: ['get', 'create', 'update'], purpose: "Helm keeps its records of releases in secrets (and is told to drop none); a role cannot tell them from other secrets of the namespace" },
  { group: '', resource: 'configmaps', verbs: ['get', 'create', 'patch', 'delete'], ofHelm: ['create', 'patch', 'delete'], purpose: 'The script of the gate lies in a ConfigMap of the release' },
  { group: '', resource: 'services', verbs: ['get', 'patch'], ofHelm: ['get', 'patch'], purpose: 'Helm goes through every object of the release: it reads those that stay as they are, and applies them again where Helm 4 made the release' },
  { group: '', resource: 'serviceaccounts', verbs: ['get', 'patch'], ofHelm: ['get', 'patch'], purpose: 'The same' },
  { group: 'networking.k8s.io', resource: 'ingresses', verbs: ['get', 'patch'], ofHelm: ['get', 'patch'], purpose: 'The same, where the release has an Ingress', part: 'ingress' },
  { group: 'gateway.networking.k8s.io', resource: 'httproutes', verbs: ['get', 'patch'], ofHelm: ['get', 'patch'], purpose: 'The same, where the release has an HTTPRoute', part: 'httpRoute' },
];

/** What is needed where Argo CD or Flux owns the release, and plexlift runs no Helm. */
export const rightsWithoutHelm: readonly RightsRule[] = rightsRules.flatMap((rule) => {
  const verbs = rule.verbs.filter((verb) => rule.ofHelm?.includes(verb) !== true);
  return verbs.length === 0 ? [] : [{ ...rule, verbs }];
});

/** docs/rbac.yaml: a service account with the least that plexlift needs, ready to apply; what only parts of the chart need is commented out. */
export function leastRole(): string {
  const namespace = 'plex';
  const name = 'plexlift';
  const rules = rightsRules.flatMap((rule) => {
    const lines = ruleLines(rule).map((line) => `  ${line}`);
    return [`  # ${rule.purpose}.${helmText(rule)}`, ...(rule.part === undefined ? lines : lines.map((line) => `  #${line.slice(1)}`))];
  });
  return [
    '# The least that plexlift needs: nothing outside the namespace of the release, and no right that it could do without.',
    '# Where your release is not in the namespace "plex", replace that word in every line "namespace: plex". Then:',
    '#',
    '#   kubectl apply --filename docs/rbac.yaml',
    '#   kubectl create token plexlift --namespace plex --duration 24h',
    '#',
    '# Where Argo CD or Flux owns the release, plexlift runs no Helm: what is said to be for Helm only can be left out.',
    '# To give the same to yourself instead, put "kind: User" and your own name ("kubectl auth whoami") under "subjects".',
    'apiVersion: v1',
    'kind: ServiceAccount',
    'metadata:',
    `  name: ${name}`,
    `  namespace: ${namespace}`,
    '---',
    'apiVersion: rbac.authorization.k8s.io/v1',
    'kind: Role',
    'metadata:',
    `  name: ${name}`,
    `  namespace: ${namespace}`,
    'rules:',
    ...rules,
    '---',
    ...bindingLines({ name, namespace, subject: { kind: 'ServiceAccount', name, namespace } }),
    '',
  ].join('\n');
}

/** Exactly these rules as a role of their own, bound to somebody: one document that can be applied beside whatever roles there are. */
export function roleWith(rules: readonly RightsRule[], { namespace, subject }: { readonly namespace: string; readonly subject: RightsSubject }): string {
  // Another name for other rules: applied later, they must not take the place of these.
  const name = `plexlift-${createHash('sha256').update(JSON.stringify(rules)).digest('hex').slice(0, 8)}`;
  const role = ['apiVersion: rbac.authorization.k8s.io/v1', 'kind: Role', 'metadata:', `  name: ${name}`, `  namespace: ${namespace}`, 'rules:', ...rules.flatMap(ruleLines).map((line) => `  ${line}`)];
  return ['apiVersion: v1', 'kind: List', 'items:', ...itemLines(role), ...itemLines(bindingLines({ name, namespace, subject }))].join('\n');
}

function helmText({ verbs, ofHelm = [] }: RightsRule): string {
  if (ofHelm.length === 0) return '';
  return ofHelm.length === verbs.length ? ' For Helm only.' : ` For Helm only: ${ofHelm.map((verb) => `"${verb}"`).join(', ')}.`;
}

function ruleLines({ group, resource, verbs }: RightsRule): readonly string[] {
  return [`- apiGroups: ["${group}"]`, `  resources: ["${resource}"]`, `  verbs: [${verbs.map((verb) => `"${verb}"`).join(', ')}]`];
}

function bindingLines({ name, namespace, subject }: { readonly name: string; readonly namespace: string; readonly subject: RightsSubject }): readonly string[] {
  const whom = subject.kind === 'User' ? ['  - kind: User', '    apiGroup: rbac.authorization.k8s.io', `    name: ${JSON.stringify(subject.name)}`] : ['  - kind: ServiceAccount', `    name: ${subject.name}`, `    namespace: ${subject.namespace}`];
  return ['apiVersion: rbac.authorization.k8s.io/v1', 'kind: RoleBinding', 'metadata:', `  name: ${name}`, `  namespace: ${namespace}`, 'roleRef:', '  apiGroup: rbac.authorization.k8s.io', '  kind: Role', `  name: ${name}`, 'subjects:', ...whom];
}

function itemLines(lines: readonly string[]): readonly string[] {
  return lines.map((line, position) => `${position === 0 ? '  - ' : '    '}${line}`);
}
