import { moveOfFileUrl } from './fileUrl.ts';
import type { PathColumn } from './pathColumns.ts';
import { afterMove, moveOfPath, type MappingRule, type Move, type PathMapping } from './pathMapping.ts';

/** What the mapping makes of a cell (its bytes), and by which rule; null where no rule has it. */
export function mapValue(mapping: PathMapping, form: PathColumn['form'], value: Buffer): { readonly value: Buffer; readonly rule: MappingRule } | null {
  const moved = moveOfValue(mapping, form, value);
  return moved === null ? null : { value: afterMove(value, moved.move), rule: moved.rule };
}

/** How the mapping changes the front of a cell (its bytes), and by which rule; null where no rule has it. */
export function moveOfValue(mapping: PathMapping, form: PathColumn['form'], value: Buffer): { readonly move: Move; readonly rule: MappingRule } | null {
  return form === 'path' ? moveOfPath(mapping, value) : moveOfFileUrl(mapping, value);
}
