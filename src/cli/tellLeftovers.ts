import { messageOf } from '../errors.ts';
import type { Migration } from '../migration/migration.ts';
import type { Journal } from '../runner/journal.ts';

/** Records what lies on the volume beside the library. That it cannot be told is no reason for a command to fail that has done its work. */
export async function tellLeftovers({ target }: Pick<Migration, 'target'>, { journal, command }: { readonly journal: Journal; readonly command: string }): Promise<void> {
  try {
    journal.record({ type: 'leftovers-told', leftovers: await target.leftovers() });
  } catch (error) {
    journal.record({ type: 'noted', step: command, text: `What is left on the volume of ${target.name} could not be told: ${messageOf(error)}` });
  }
}
