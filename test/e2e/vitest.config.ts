import { defineConfig } from 'vitest/config';

// The whole plan on real parts: needs root, and brings the beds up and down by itself. Two files at a time: most of the time is spent waiting for pods to stop.
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/e2e/**/*.test.ts', 'test/bed/kubernetes.test.ts', 'test/bed/kubernetes/**/*.test.ts', 'test/bed/sourceVm.test.ts', 'test/bed/plexServer.test.ts'],
    env: { PLEXLIFT_E2E: '1' },
    maxWorkers: 2,
    testTimeout: 15 * 60_000,
    hookTimeout: 25 * 60_000,
    reporters: ['verbose'],
    execArgv: ['--disable-warning=ExperimentalWarning'],
  },
});
