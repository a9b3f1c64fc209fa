// A program of its own, because making a library takes memory that no measurement should stand on.
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { makeLargeLibrary, type LargeLibrary } from './largeLibrary.ts';

/** What to make, and where. */
export interface GenerationRequest extends LargeLibrary {
  readonly file: string;
}

const { file, ...library }: GenerationRequest = JSON.parse(process.argv[2] ?? '');
makeLargeLibrary(file, library);
const handle = openSync(file, 'r');
fsyncSync(handle);
closeSync(handle);
process.stdout.write('null');
