import { PlexliftError } from '../../errors.ts';
import { programNotExecutable, programNotFound } from '../../machines/childProcess.ts';
import { CommandFailed } from '../../machines/command.ts';

/** What a configuration says about the cluster, as far as kubectl and helm can find it wrong. */
export interface NamedInConfiguration {
  readonly context?: string | undefined;
  readonly kubeconfig?: string | undefined;
}

/** Runs kubectl or helm; where it fails because the configuration names what is not there, the error says which setting that is. */
export async function blamingConfiguration<Result>(setting: 'kubectl' | 'helm', named: NamedInConfiguration, run: () => Promise<Result>): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    throw error instanceof CommandFailed ? blamed(error, setting, named) : error;
  }
}

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
  return error;
}
