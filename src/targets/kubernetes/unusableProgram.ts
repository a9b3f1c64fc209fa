import { PlexliftError } from '../../errors.ts';
import { programNotExecutable, programNotFound } from '../../machines/childProcess.ts';
import { CommandFailed } from '../../machines/command.ts';

/** What a configuration says about the cluster, as far as kubectl and helm can find it wrong. */
export interface NamedInConfiguration {
  readonly context?: string | undefined;
  readonly kubeconfig?: string | undefined;
}

/** Runs kubectl or helm; where it fails because the configuration names what is not there, or the cluster does not let us in, the error says so. */
export async function blamingConfiguration<Result>(setting: 'kubectl' | 'helm', named: NamedInConfiguration, run: () => Promise<Result>): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    throw error instanceof CommandFailed ? blamed(error, setting, named) : error;
  }
}

/** True where kubectl or helm was not allowed something. */
export function isForbidden(thrown: unknown): boolean {
  const failure = thrown instanceof PlexliftError ? thrown.cause : thrown;
  return failure instanceof CommandFailed && lineWith(failure.failure.stderr, forbidden) !== null;
}

/** How a cluster says no to somebody whom it knows. */
const forbidden = /forbidden: User/;

function blamed(error: CommandFailed, setting: 'kubectl' | 'helm', { context, kubeconfig }: NamedInConfiguration): PlexliftError {
  const { exitCode, machine, command, stderr } = error.failure;
  const facts = error.facts;
  if (exitCode === programNotFound || exitCode === programNotExecutable) {
    return new PlexliftError('refused', `Cannot use "${command.program}" on ${machine}: the program was ${exitCode === programNotFound ? 'not found' : 'found but could not be started'}`, {
      remedy: `Install ${setting === 'helm' ? 'Helm 3 or 4' : 'kubectl'} there, or name the program in target.kubernetes.${setting}`,
      cause: error,
    });
  }
  if (/context .*(?:does not exist|was not found)|no context exists/i.test(stderr)) {
    return new PlexliftError('refused', `Cannot use the context "${context ?? 'current context'}": ${setting} does not know it`, {
      facts,
      remedy: 'Look with "kubectl config get-contexts" and correct target.kubernetes.context in the configuration',
      cause: error,
    });
  }
  if (kubeconfig !== undefined && stderr.includes(kubeconfig) && /no such file|permission denied|error loading config|not found/i.test(stderr)) {
    return new PlexliftError('refused', `Cannot use the kubeconfig "${kubeconfig}"`, { facts, remedy: 'Correct target.kubernetes.kubeconfig in the configuration, or make that file readable', cause: error });
  }
  const denied = lineWith(stderr, forbidden);
  if (denied !== null) {
    return new PlexliftError('refused', `Cannot do what has to be done in the cluster: ${denied}`, { remedy: 'Have a role with this right bound to you; "plexlift check" lists every right that is needed', cause: error });
  }
  const stranger = lineWith(stderr, /Unauthorized|must be logged in|provide credentials/);
  if (stranger !== null) {
    return new PlexliftError('refused', `Cannot use the cluster: it does not know you (${stranger})`, { remedy: 'Log in again, or correct the user of this context, until "kubectl get pods" works from here; then run the same command again', cause: error });
  }
  const silent = lineWith(stderr, /The connection to the server|Unable to connect to the server|no route to host|i\/o timeout|no such host|connection refused|TLS handshake timeout/i);
  if (silent !== null) {
    return new PlexliftError('failed', `Cannot reach the cluster: ${silent}`, { remedy: 'Check the network and that the cluster runs, until "kubectl get nodes" works from here; then run the same command again', cause: error });
  }
  return error;
}

/** The last line that matches; kubectl repeats itself before it comes to the point. */
function lineWith(text: string, pattern: RegExp): string | null {
  return text.split('\n').findLast((line) => pattern.test(line))?.trim() ?? null;
}
