import type { Random } from '../../test/bed/library/random.ts';

/** What one item of a library leaves in Metadata and Media, by paths relative to the data directory. */
export interface ArtworkItem {
  readonly directories: readonly string[];
  readonly files: readonly { readonly path: string; readonly sizeBytes: number }[];
  readonly links: readonly { readonly path: string; readonly target: string }[];
}

const agent = 'tv.plex.agents.movie';
const chapters = 4;

/** Makes up one item: on average 10 files, 8 links and directories for each 5 of them, and a quarter of a megabyte. Everything but small XML is as large as real pictures are. */
export function artworkItem(random: Random): ArtworkItem {
  const folder = random.pick(['Movies', 'TV Shows', 'Albums']);
  const metadata = bundle(`Metadata/${folder}`, random);
  const media = bundle('Media/localhost', random);
  const directories = [`${metadata}/${agent}`];
  const files = [`${metadata}/${agent}/Info.xml`, `${metadata}/_combined/Info.xml`].map((path) => ({ path, sizeBytes: random.integer(1_000, 3_000) }));
  const links: { path: string; target: string }[] = [];

  for (const [kind, count] of [['posters', 2], ['art', 1]] as const) {
    directories.push(`${metadata}/_stored/${kind}`, `${metadata}/_combined/${kind}`);
    for (let number = 0; number < count; number += 1) {
      const name = `${agent}_${random.hex(40)}`;
      // Most posters are small: the cube puts half of them below 28 kB.
      files.push({ path: `${metadata}/_stored/${kind}/${name}`, sizeBytes: 10_000 + Math.round(140_000 * (random.integer(0, 1_000) / 1_000) ** 3) });
      links.push({ path: `${metadata}/_combined/${kind}/${name}`, target: `../../_stored/${kind}/${name}` });
    }
  }
  directories.push(`${media}/Thumbnails`, `${media}/Chapters`);
  files.push({ path: `${media}/Thumbnails/thumb1.jpg`, sizeBytes: random.integer(5_000, 15_000) });
  for (let number = 1; number <= chapters; number += 1) files.push({ path: `${media}/Chapters/chapter${number}.jpg`, sizeBytes: random.integer(3_000, 11_000) });
  if (random.chance(0.4)) {
    directories.push(`${media}/Indexes`);
    files.push({ path: `${media}/Indexes/index-sd.bif`, sizeBytes: random.integer(120_000, 370_000) });
  }
  return { directories, files, links };
}

function bundle(folder: string, random: Random): string {
  const hash = random.hex(40);
  return `${folder}/${hash.slice(0, 1)}/${hash.slice(1)}.bundle/Contents`;
}
