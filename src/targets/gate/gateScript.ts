import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** Where the gate's shell script lies: beside this module, in the sources and in what is built from them. */
export const gateScriptPath: string = fileURLToPath(new URL('gate.sh', import.meta.url));

/** The gate's shell script as text, e.g. to carry it into a ConfigMap. */
export async function readGateScript(): Promise<string> {
  return await readFile(gateScriptPath, 'utf8');
}
