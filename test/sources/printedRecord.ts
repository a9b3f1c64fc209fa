/** What find prints of one entry, as the listing of a source asks it to; a link leads to "leads/there". */
export function record(kind: 'f' | 'd' | 'l', depth: number, name: string): string {
  return [kind, kind, '3', '1795320000.0', '1795320000.5', '644', kind === 'l' ? 'leads/there' : '', String(depth), name, ''].join('\0');
}
