import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

test('the program has the same memory to work with, whether it runs as it is published or from a checkout', () => {
  const [, setting, options] = /^#!\/usr\/bin\/env -S (\S+) node (.*) --disable-warning=ExperimentalWarning$/m.exec(readFileSync(join(root, 'src/main.ts'), 'utf8')) ?? [];
  const fromCheckout = readFileSync(join(root, 'bin/plexlift'), 'utf8');

  expect(setting).toMatch(/^MALLOC_ARENA_MAX=\d$/);
  expect(options).toMatch(/--max-semi-space-size=\d+ --heap-growing-percent=\d+/);
  expect(fromCheckout).toContain(`\nexport ${setting}\n`);
  expect(fromCheckout).toContain(`/with-node" ${options} "`);
});
