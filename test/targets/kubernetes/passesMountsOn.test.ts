import { expect, test } from 'vitest';
import { passesMountsOn } from '../../../src/targets/kubernetes/describe.ts';

const media = '512 500 0:50 / /media/library rw master:7 - nfs nas:/media rw';

test.each([
  { of: 'a node that shares its mounts', root: '500 410 0:61 / / rw,relatime master:153 - overlay overlay rw,lowerdir=/a', passes: true },
  { of: 'one that shares them in both directions', root: '500 410 0:61 / / rw,relatime shared:9 master:153 - overlay overlay rw', passes: true },
  { of: 'one whose mounts are private', root: '500 410 0:61 / / rw,relatime - overlay overlay rw,master:1', passes: false },
  { of: 'one that keeps the root of a container to itself', root: '500 410 0:61 / / rw,relatime shared:9 - overlay overlay rw', passes: false },
])('the mounts in a container tell $of', ({ root, passes }) => {
  expect(passesMountsOn(`${root}\n${media}\n`)).toBe(passes);
});

test('a mount beside the root tells nothing', () => {
  expect(passesMountsOn(`${media}\n`)).toBe(false);
});
