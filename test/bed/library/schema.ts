import { readFileSync } from 'node:fs';

/** One CREATE statement of the schema, as `sqlite_master` keeps it: no final semicolon. */
export interface SchemaStatement {
  readonly type: 'table' | 'index' | 'trigger' | 'view';
  readonly name: string;
  readonly table: string;
  readonly sql: string;
}

/** The schema of a Plex Media Server in the order in which it has to be created. */
export interface PlexSchema {
  readonly tables: readonly SchemaStatement[];
  readonly vocabulary: readonly SchemaStatement[];
  readonly virtualTables: readonly SchemaStatement[];
  readonly triggers: readonly SchemaStatement[];
  readonly indexes: readonly SchemaStatement[];
  /** Indexes with a collation that only Plex has. */
  readonly collatedIndexes: readonly SchemaStatement[];
  readonly views: readonly SchemaStatement[];
}

/** The three forms of the schema that were ever seen: of about 2019 and 2020, up to 1.43.3, and from 1.43.4 on. */
export type SchemaEra = '2019' | 'before 1.43.4' | 'now';

/** Reads the schema that a server of `version` writes, 1.43.4 and later by default; throws when a statement is not understood. */
export function loadSchema(version = '1.43.4'): PlexSchema {
  const era = schemaEra(version);
  const ordinary = era === '2019' ? 'Of2019' : '';
  const search = era === 'before 1.43.4' ? 'Before1.43.4' : ordinary;
  return {
    tables: statementsOf(`tables${ordinary}`),
    vocabulary: statementsOf(`vocabulary${ordinary}`),
    virtualTables: statementsOf(`virtualTables${search}`),
    triggers: statementsOf(`triggers${search}`),
    indexes: statementsOf(`indexes${ordinary}`),
    collatedIndexes: statementsOf(era === '2019' ? 'naturalsortIndex' : 'icuIndex'),
    views: [],
  };
}

/** Which form of the schema a server of `version`, for instance `1.43.0.10492-121068a07`, keeps. */
export function schemaEra(version: string): SchemaEra {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  if (major < 1 || (major === 1 && minor < 22)) return '2019';
  return major === 1 && (minor < 43 || (minor === 43 && patch < 4)) ? 'before 1.43.4' : 'now';
}

/** Every statement of `schema`, in any order. */
export function allStatements(schema: PlexSchema): readonly SchemaStatement[] {
  return [...schema.tables, ...schema.vocabulary, ...schema.virtualTables, ...schema.triggers, ...schema.indexes, ...schema.collatedIndexes, ...schema.views];
}

/** Splits a file of CREATE statements; each ends with a semicolon at the end of a line, which no trigger body contains. */
export function parseStatements(text: string): readonly SchemaStatement[] {
  const code = text
    .split('\n')
    .filter((line) => !line.startsWith('--'))
    .join('\n');
  return code
    .split(/;[ \t]*(?:\n|$)/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parseStatement);
}

function statementsOf(name: string): readonly SchemaStatement[] {
  return parseStatements(readFileSync(new URL(`schema/${name}.sql`, import.meta.url), 'utf8'));
}

function parseStatement(sql: string): SchemaStatement {
  const match = /^CREATE (?:UNIQUE )?(?:VIRTUAL )?(TABLE|INDEX|TRIGGER|VIEW) (["']?)(\w+|(?<=")(?:[^"]|"")+)\2(?:.*? on (["']?)(\w+)\4)?/i.exec(sql);
  const [, kind, , written, , on] = match ?? [];
  const name = written?.replaceAll('""', '"');
  if (kind === undefined || name === undefined) throw new Error(`Cannot parse "${sql.slice(0, 60)}": it is not a CREATE statement`);
  const type = kind.toLowerCase();
  switch (type) {
    case 'table':
    case 'view':
      return { type, name, table: name, sql };
    case 'index':
    case 'trigger':
      if (on === undefined) throw new Error(`Cannot parse "${sql.slice(0, 60)}": it names no table`);
      return { type, name, table: on, sql };
    default:
      throw new Error(`Cannot parse "${sql.slice(0, 60)}": unknown kind "${kind}"`);
  }
}
