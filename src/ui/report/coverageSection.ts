import { z } from 'zod';
import { type ReportContext, table, withResult } from './section.ts';

const count = z.number();
const place = { file: z.string(), table: z.string(), column: z.string(), rows: count, examples: z.array(z.string()) };
const covered = z.object({
  coverage: z.object({
    unknownPaths: z.array(z.object({ ...place, forms: z.array(z.string()) })),
    otherPaths: z.array(z.object({ ...place, groups: z.array(z.object({ form: z.string(), top: z.string(), rows: count })) })),
  }),
});
const written = z.object({ schemas: z.array(z.object({ file: z.string(), migrations: count.nullable(), reversible: count, newest: z.string().nullable(), minimums: z.array(z.string()) })) });

/** Every place where something looks like a path and nothing is rewritten. */
export function otherPathLines(context: ReportContext): readonly string[] {
  return withResult(context, 'examine', covered, ({ coverage: { unknownPaths, otherPaths } }) => [
    ...section('Mapped directories in columns that are not rewritten. They are left as they are: as far as is known, Plex does not look for files by them.', unknownPaths.map((one) => [...cells(one), one.forms.join(', '), examplesOf(one)]), ['database', 'column', 'rows', 'written', 'examples']),
    ...section('Paths that no mapping has. They are left as they are; what they name has to exist on the target too if it matters, such as a script that recordings are handed to.', otherPaths.map((one) => [...cells(one), one.groups.map(({ form, top, rows }) => `${rows} ${form} ${coded(top)}`).join(', '), examplesOf(one)]), ['database', 'column', 'rows', 'below', 'examples']),
  ]);
}

/** Which servers can open the databases. */
export function schemaLines(context: ReportContext): readonly string[] {
  return withResult(context, 'examine', written, ({ schemas }) =>
    table(
      ['database', 'migrations', 'an older server could take back', 'newest', 'asks for'],
      schemas.map(({ file, migrations, reversible, newest, minimums }) => [file, migrations === null ? 'no such table' : String(migrations), String(reversible), newest ?? 'none', minimums.length === 0 ? 'nothing' : minimums.join(', ')]),
    ),
  );
}

function section(text: string, rows: readonly (readonly string[])[], heads: readonly string[]): readonly string[] {
  return rows.length === 0 ? [] : ['', text, '', ...table(heads, rows)];
}

function cells({ file, table: name, column, rows }: { readonly file: string; readonly table: string; readonly column: string; readonly rows: number }): readonly string[] {
  return [file, `${name}.${column}`, String(rows)];
}

function examplesOf({ examples }: { readonly examples: readonly string[] }): string {
  return examples.map(coded).join(', ');
}

function coded(text: string): string {
  return `\`${text}\``;
}
