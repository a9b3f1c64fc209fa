import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BedAddresses } from './addresses.ts';

/** The name under which the bed's pause image is imported: never a name that any registry answers to. */
export const pauseImageName = 'localhost/plexlift-bed/pause:1';

/** Where one bed keeps what; everything lies under `directory`. */
export interface BedPaths {
  readonly directory: string;
  readonly kubeconfig: string;
  readonly containerdConfig: string;
  readonly containerdSocket: string;
  readonly kubeletRoot: string;
  readonly podLogs: string;
  readonly volumes: string;
  readonly logs: string;
}

/** The paths of a bed whose directory is `directory`. */
export function pathsOf(directory: string): BedPaths {
  return {
    directory,
    kubeconfig: join(directory, 'kubeconfig'),
    containerdConfig: join(directory, 'containerd.toml'),
    containerdSocket: join(directory, 'containerd.sock'),
    kubeletRoot: join(directory, 'kubelet'),
    podLogs: join(directory, 'pod-logs'),
    volumes: join(directory, 'volumes'),
    logs: join(directory, 'logs'),
  };
}

/** Writes the configuration files, keys and the admin's token that the components below read. */
export async function writeConfiguration(paths: BedPaths, bed: BedAddresses): Promise<void> {
  const { directory } = paths;
  for (const name of ['cni', 'certificates', 'kubelet', 'pod-logs', 'volumes', 'logs']) {
    await mkdir(join(directory, name), { recursive: true });
  }
  const token = randomBytes(16).toString('hex');
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const secret = { mode: 0o600 };
  await writeFile(join(directory, 'service-account.key'), keys.privateKey.export({ type: 'pkcs8', format: 'pem' }), secret);
  await writeFile(join(directory, 'service-account.pub'), keys.publicKey.export({ type: 'spki', format: 'pem' }));
  await writeFile(join(directory, 'tokens.csv'), `${token},admin,admin,system:masters\n`, secret);
  await writeFile(join(directory, 'audit-policy.json'), JSON.stringify(auditPolicy));
  await writeFile(paths.kubeconfig, JSON.stringify(kubeconfig(paths, bed, token), null, 2), secret);
  await writeFile(join(directory, 'kubelet.json'), JSON.stringify(kubeletConfiguration(paths), null, 2));
  await writeFile(join(directory, 'kube-proxy.json'), JSON.stringify(proxyConfiguration(paths, bed), null, 2));
  await writeFile(join(directory, 'cni', '10-bed.conflist'), JSON.stringify(podNetwork(paths, bed), null, 2));
  await writeFile(paths.containerdConfig, containerdConfiguration(paths));
}

/** Only what service accounts ask for is written down: what plexlift does under its role. */
const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived', 'ResponseStarted'],
  rules: [{ level: 'Metadata', userGroups: ['system:serviceaccounts'] }, { level: 'None' }],
};

/**
 * How long a pod that cannot be placed waits before the scheduler tries again by itself, which it looks for every 30 s; its default is 5 minutes.
 * On a busy machine the news that a claim is bound can wake the pod before the scheduler's own record of the claim has it, and nothing wakes it again.
 */
const unschedulableForSeconds = 10;

/** Command lines of the Kubernetes components, by name, each as arguments of the `cluster` program. */
export function componentArguments(paths: BedPaths, bed: BedAddresses) {
  const file = (name: string) => join(paths.directory, name);
  const certificate = join(paths.directory, 'certificates', 'apiserver.crt');
  return {
    etcd: [`--data-dir=${file('etcd')}`],
    'kube-apiserver': [
      '--etcd-servers=http://127.0.0.1:2379',
      '--secure-port=6443',
      '--bind-address=0.0.0.0',
      `--advertise-address=${bed.nodeAddress}`,
      `--cert-dir=${join(paths.directory, 'certificates')}`,
      `--token-auth-file=${file('tokens.csv')}`,
      '--authorization-mode=Node,RBAC',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${file('service-account.pub')}`,
      `--service-account-signing-key-file=${file('service-account.key')}`,
      `--service-cluster-ip-range=${bed.serviceRange}`,
      '--allow-privileged=true',
      '--kubelet-preferred-address-types=InternalIP',
      '--endpoint-reconciler-type=none',
      `--audit-policy-file=${file('audit-policy.json')}`,
      `--audit-log-path=${join(paths.logs, 'audit.log')}`,
    ],
    'kube-controller-manager': [
      `--kubeconfig=${paths.kubeconfig}`,
      '--leader-elect=false',
      '--bind-address=127.0.0.1',
      `--cert-dir=${file('certificates')}`,
      `--root-ca-file=${certificate}`,
      `--service-account-private-key-file=${file('service-account.key')}`,
    ],
    'kube-scheduler': [
      `--kubeconfig=${paths.kubeconfig}`,
      '--leader-elect=false',
      '--bind-address=127.0.0.1',
      `--cert-dir=${file('certificates')}`,
      `--pod-max-in-unschedulable-pods-duration=${unschedulableForSeconds}s`,
    ],
    'kube-proxy': [`--config=${file('kube-proxy.json')}`],
    kubelet: [
      `--config=${file('kubelet.json')}`,
      `--kubeconfig=${paths.kubeconfig}`,
      `--hostname-override=${bed.nodeName}`,
      `--node-ip=${bed.nodeAddress}`,
      `--root-dir=${paths.kubeletRoot}`,
      `--cert-dir=${file('certificates')}`,
    ],
  } as const;
}

function kubeconfig(paths: BedPaths, bed: BedAddresses, token: string) {
  const name = bed.nodeName;
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    contexts: [{ name, context: { cluster: name, user: name } }],
    clusters: [
      {
        name,
        cluster: {
          server: `https://${bed.nodeAddress}:6443`,
          'certificate-authority': join(paths.directory, 'certificates', 'apiserver.crt'),
        },
      },
    ],
    users: [{ name, user: { token } }],
  };
}

function kubeletConfiguration(paths: BedPaths) {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    containerRuntimeEndpoint: `unix://${paths.containerdSocket}`,
    podLogsDir: paths.podLogs,
    volumePluginDir: join(paths.directory, 'volume-plugins'),
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    cgroupDriver: 'cgroupfs',
    cgroupsPerQOS: false,
    enforceNodeAllocatable: [],
    failSwapOn: false,
    localStorageCapacityIsolation: false,
    imageGCHighThresholdPercent: 100,
    // The bed may run on a nearly full disk; a memory threshold of 0 is refused.
    evictionHard: {
      'memory.available': '10Mi',
      'nodefs.available': '0%',
      'nodefs.inodesFree': '0%',
      'imagefs.available': '0%',
      'imagefs.inodesFree': '0%',
    },
  };
}

function proxyConfiguration(paths: BedPaths, bed: BedAddresses) {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    clientConnection: { kubeconfig: paths.kubeconfig },
    hostnameOverride: bed.nodeName,
    mode: 'iptables',
    clusterCIDR: bed.podRange,
    bindAddress: bed.nodeAddress,
    // Connection tracking limits belong to the whole machine; zero leaves them alone.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  };
}

function podNetwork(paths: BedPaths, bed: BedAddresses) {
  const dataDir = join(paths.directory, 'cni-addresses');
  return {
    cniVersion: '0.4.0',
    name: bed.namespace,
    plugins: [
      {
        type: 'bridge',
        bridge: 'pods',
        isGateway: true,
        ipMasq: true,
        hairpinMode: true,
        ipam: { type: 'host-local', dataDir, ranges: [[{ subnet: bed.podRange }]], routes: [{ dst: '0.0.0.0/0' }] },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  };
}

function containerdConfiguration(paths: BedPaths): string {
  const { directory } = paths;
  // restrict_oom_score_adj: a machine that may not lower oom scores starts no sandbox without it.
  return `version = 2
root = "${join(directory, 'containerd-root')}"
state = "${join(directory, 'containerd-state')}"
[grpc]
  address = "${paths.containerdSocket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${join(directory, 'containerd-opt')}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImageName}"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${join(directory, 'cni')}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        Root = "${join(directory, 'runc')}"
`;
}
