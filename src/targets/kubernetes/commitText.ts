import { Document } from 'yaml';
import type { JsonObject } from '../../runner/json.ts';
import type { Controller } from './controller.ts';
import { gateContainerName, runAnnotation, scriptAnnotation, tagOf } from './gateValues.ts';

/** Which release, and who makes it. */
interface Place {
  readonly release: string;
  readonly controller: Controller;
}

/** The values that bring the gate in, as YAML to be merged into what is committed. Holds nothing of the user's own, so no secret. */
export function gateToCommit({ release, controller, run, values }: Place & { readonly run: string; readonly values: JsonObject }): string {
  const why = `plexlift, run ${run}: the gate that holds Plex back until its library is complete.`;
  // A Helm that waits would take a pod that is held for a failed upgrade.
  return yamlFor({ release, controller }, { why, values, beside: { install: { disableWait: true }, upgrade: { disableWait: true } } });
}

/** The values that stay after `finish`. */
export function tagToCommit({ release, controller, tag }: Place & { readonly tag: string | null }): string {
  return yamlFor({ release, controller }, { why: 'plexlift: the version of the server that stays, when the gate is taken out.', values: tag === null ? {} : { image: { tag, sha: '' } }, beside: {} });
}

function yamlFor({ release, controller }: Place, { why, values, beside }: { readonly why: string; readonly values: JsonObject; readonly beside: JsonObject }): string {
  const place = controller.name === 'Flux' ? `${controller.object}, beside what is there` : `the Helm values of ${controller.object}, beside what is there`;
  const document = new Document(controller.name === 'Flux' ? { spec: { ...beside, values } } : values, { aliasDuplicateObjects: false });
  document.commentBefore = ` ${why}\n Merge this into ${place} (release "${release}").`;
  return document.toString({ lineWidth: 0 });
}

/** What is to be taken out of what is committed, in a sentence. */
export function gateToTakeOut({ release, controller, image, keepsImage }: Place & { readonly image: string; readonly keepsImage: boolean }): string {
  const flux = controller.name === 'Flux' ? ', and "disableWait" if it was not there before' : '';
  const parts = `"initContainer.script", the entry "${gateContainerName}" of "extraInitContainers", "extraEnv.S6_SERVICES_GRACETIME", and "${runAnnotation}" and "${scriptAnnotation}" of "statefulSet.podAnnotations"${flux}`;
  const tag = tagOf(image);
  const version = keepsImage ? `Keep image.tag${tag === null ? '' : ` at ${tag}`}: the library is of that version` : `The image is to be ${image} again, as it was${tag === null ? '' : ` (image.tag ${tag}, or absent if the chart's own is that one)`}; reverting the commit does all of it`;
  return `Now take out of what is committed for release "${release}" (${controller.object}) again what the gate needed: ${parts}. What of it was yours before comes back. ${version}. Waiting until the pod carries nothing of it; Ctrl-C is safe, and the same command goes on waiting`;
}
