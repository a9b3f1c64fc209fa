import { isDeepStrictEqual } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';

const objectShape = z.looseObject({ kind: z.string(), metadata: z.looseObject({ name: z.string() }) });

/** Names the objects that two manifests do not have alike, order, comments and style of YAML aside. */
export function differentObjects(one: string, other: string): readonly string[] {
  const [before, after] = [objectsIn(one), objectsIn(other)];
  return [...new Set([...before.keys(), ...after.keys()])].filter((name) => !isDeepStrictEqual(before.get(name), after.get(name)));
}

function objectsIn(manifest: string): ReadonlyMap<string, unknown> {
  const objects = parseAllDocuments(manifest).flatMap((document) => {
    const content: unknown = document.toJS();
    return content === null || content === undefined ? [] : [objectShape.parse(content)];
  });
  return new Map(objects.map((object) => [`${object.kind} "${object.metadata.name}"`, object]));
}
