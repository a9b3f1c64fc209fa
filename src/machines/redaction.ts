/** What stands in the place of a secret. */
export const redacted = '[redacted]';

const tokenShapes = [
  /(X-Plex-Token(?:=|:\s*|%3D))[^\s&'"<>]+/gi,
  /(PlexOnlineToken\s*=\s*["']?)[^\s&'"<>]+/gi,
  /(PLEX_CLAIM=)[^\s&'"]+/g,
];

/** A text without anything that looks like a Plex token, and without the given secrets. */
export function redact(text: string, secrets: readonly string[] = []): string {
  const shaped = tokenShapes.reduce((reduced, shape) => reduced.replace(shape, `$1${redacted}`), text);
  return secrets.filter((secret) => secret !== '').reduce((reduced, secret) => reduced.replaceAll(secret, redacted), shaped);
}
