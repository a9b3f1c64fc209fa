import { defineConfig } from 'vitest/config';

// Unit, property, contract and flow tests: no root, no cluster, no network but loopback. The beds have a configuration of their own in test/e2e.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/e2e/**', 'test/bed/kubernetes.test.ts', 'test/bed/kubernetes/**', 'test/bed/sourceVm.test.ts', 'test/bed/plexServer.test.ts', '**/node_modules/**'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Two cores: more workers than that only make real processes time out.
    maxWorkers: 2,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  },
});
