/** True for the error of a writer whose reader has gone: why it went is told elsewhere, and a moment later. */
export function isBrokenPipe(thrown: unknown): boolean {
  const code = (thrown as { readonly code?: unknown } | null)?.code;
  return code === 'EPIPE' || code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ERR_STREAM_DESTROYED' || code === 'EOF';
}
