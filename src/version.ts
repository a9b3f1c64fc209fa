import { readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { readonly version: string };

/** The version of plexlift itself, as package.json says. */
export const plexliftVersion = manifest.version;
