/** A table in Markdown, its columns as wide as they have to be and aligned to the right. */
export function markdownTable(heads: readonly string[], lines: readonly (readonly string[])[]): string {
  const widths = heads.map((head, column) => Math.max(head.length, ...lines.map((line) => line[column]?.length ?? 0)));
  const row = (cells: readonly string[]): string => `| ${cells.map((cell, column) => cell.padStart(widths[column] ?? 0)).join(' | ')} |`;
  return [row(heads), `| ${widths.map((width) => `${'-'.repeat(width - 1)}:`).join(' | ')} |`, ...lines.map(row)].join('\n');
}
