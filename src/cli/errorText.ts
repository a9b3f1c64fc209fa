import { PlexliftError } from '../errors.ts';

/** What a person reads when a command did not end well: message, facts, remedy. A stack only for what nobody foresaw. */
export function errorText(error: unknown): string {
  if (error instanceof PlexliftError) return [error.message, ...[...error.facts, error.remedy].map((text) => `  ${text.replaceAll('\n', '\n  ')}`), ''].join('\n');
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `This is a bug in plexlift; please report it with these lines:\n${stack}\n`;
}
