import { daysBefore } from './moments.ts';
import type { Rows } from './rows.ts';
import type { Section } from './sections.ts';

/** Keeps the `directories` rows: one for each directory of a library, with a root row whose path is empty. */
export function createDirectories(rows: Rows): (section: Section, relativePath: string) => number {
  const known = new Map<string, number>();
  return function directoryId(section, relativePath): number {
    const key = `${section.id}:${relativePath}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const slash = relativePath.lastIndexOf('/');
    const parent = relativePath === '' ? null : directoryId(section, slash === -1 ? '' : relativePath.slice(0, slash));
    const id = rows.insert('directories', {
      library_section_id: section.id, parent_directory_id: parent, path: relativePath, created_at: daysBefore(900), updated_at: daysBefore(1),
    });
    known.set(key, id);
    return id;
  };
}
