import type { Step } from '../runner/step.ts';
import type { Migration } from './migration.ts';
import { backUp } from './steps/backUp.ts';
import { copyAhead, copyRest } from './steps/copyBulk.ts';
import { deliver } from './steps/deliver.ts';
import { examine } from './steps/examine.ts';
import { inspect } from './steps/inspect.ts';
import { media } from './steps/media.ts';
import { openTarget } from './steps/openTarget.ts';
import { preflight } from './steps/preflight.ts';
import { proveLandingArea } from './steps/proveLandingArea.ts';
import { proveRewritten } from './steps/proveRewritten.ts';
import { publish } from './steps/publish.ts';
import { restoreSettings } from './steps/restoreSettings.ts';
import { rewrite } from './steps/rewrite.ts';
import { stopSource } from './steps/stopSource.ts';
import { takeCatalogue } from './steps/takeCatalogue.ts';
import { verify } from './steps/verify.ts';

/** The road: every step of a migration, in order. Numbering, `--until`, `--again`, `status`, the report and rollback all read this list. */
export const plan: readonly Step<Migration>[] = [
  inspect,
  preflight,
  backUp,
  examine,
  openTarget,
  media,
  copyAhead,
  stopSource,
  takeCatalogue,
  rewrite,
  proveRewritten,
  deliver,
  copyRest,
  proveLandingArea,
  publish,
  verify,
  restoreSettings,
];

/** A rehearsal is the same road into a directory, with the source left running. */
export const rehearsalPlan: readonly Step<Migration>[] = plan.filter((step) => step !== stopSource);
