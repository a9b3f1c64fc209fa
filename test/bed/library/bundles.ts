import { bundlePath, sha1 } from './plexText.ts';
import { picture, previewIndex } from './picture.ts';
import type { Part, Workshop } from './workshop.ts';

/** An image as an item refers to it, and where it lies in the data directory. */
export interface BundledImage {
  readonly url: string;
  readonly path: string;
}

/** The bundle below `Metadata/` that holds an item's artwork. */
export interface MetadataBundle {
  /** `metadata_items.hash`: the sha1 of the guid. */
  readonly hash: string;
  /** Adds an image below `directory`, for instance `posters` or `seasons/1/posters`: a file in `_stored`, a relative link in `_combined`. */
  image(directory: string): BundledImage;
  /** Adds a poster as a person uploads one. */
  upload(): BundledImage;
}

/** The folders below `Metadata/` that this library fills. */
export type MetadataFolder = 'Movies' | 'TV Shows' | 'Artists' | 'Albums' | 'Collections' | 'Playlists';

/** Whose bundle it is. */
export interface BundleDraft {
  readonly folder: MetadataFolder;
  readonly guid: string;
  readonly agent: string;
  readonly title: string;
}

/** Makes the bundle of the item with `guid`, with what `agent` found out about it. */
export function addMetadataBundle(workshop: Workshop, { folder, guid, agent, title }: BundleDraft): MetadataBundle {
  const { data } = workshop;
  const random = workshop.random('artwork');
  const hash = sha1(guid);
  const base = `Metadata/${folder}/${bundlePath(hash)}`;
  const contents = `${base}/Contents`;
  const element = folder.replaceAll(' ', '');
  const escapedTitle = title.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const information = `<?xml version='1.0' encoding='utf-8'?>\n<${element}>\n  <title>${escapedTitle}</title>\n  <guid>${guid}</guid>\n</${element}>\n`;
  data.write(`${contents}/${agent}/Info.xml`, information);
  data.write(`${contents}/_combined/Info.xml`, information);

  function newImage(): Buffer {
    return picture(random.bytes(96), { width: 16, height: 24 });
  }
  return {
    hash,
    image(directory) {
      const content = newImage();
      const name = `${agent}_${sha1(content)}`;
      const up = '../'.repeat(directory.split('/').length + 1);
      data.write(`${contents}/_stored/${directory}/${name}`, content);
      data.link(`${contents}/_combined/${directory}/${name}`, `${up}_stored/${directory}/${name}`);
      return { url: `metadata://${directory}/${name}`, path: `${contents}/_combined/${directory}/${name}` };
    },
    upload() {
      const content = newImage();
      const name = sha1(content);
      data.write(`${base}/Uploads/posters/${name}`, content);
      return { url: `upload://posters/${name}`, path: `${base}/Uploads/posters/${name}` };
    },
  };
}

/** What the analysis of a media file left in its bundle. */
export interface MediaBundleContents {
  readonly thumbnail?: boolean;
  readonly preview?: boolean;
  readonly chapters?: number;
  /** A downloaded subtitle's text. */
  readonly subtitle?: string;
}

/** Makes the bundle below `Media/localhost` of a file with the given hash, and returns the URLs by which the databases name what is in it. */
export function addMediaBundle(workshop: Workshop, part: Pick<Part, 'hash'>, contents: MediaBundleContents): { thumbnail: BundledImage; subtitleUrl: string } {
  const { data } = workshop;
  const random = workshop.random('analysis');
  const bundle = `${bundlePath(part.hash)}/Contents`;
  const base = `Media/localhost/${bundle}`;
  const newImage = (): Buffer => picture(random.bytes(96), { width: 16, height: 9 });
  const subtitle = `Subtitles/en/com.plexapp.agents.opensubtitles_${sha1(part.hash)}.srt`;
  if (contents.thumbnail === true) data.write(`${base}/Thumbnails/thumb1.jpg`, newImage());
  if (contents.preview === true) data.write(`${base}/Indexes/index-sd.bif`, previewIndex([newImage(), newImage(), newImage()], 2000));
  for (let chapter = 1; chapter <= (contents.chapters ?? 0); chapter += 1) data.write(`${base}/Chapters/chapter${chapter}.jpg`, newImage());
  if (contents.subtitle !== undefined) data.write(`${base}/${subtitle}`, contents.subtitle);
  return { thumbnail: { url: `media://${bundle}/Thumbnails/thumb1.jpg`, path: `${base}/Thumbnails/thumb1.jpg` }, subtitleUrl: `media://${bundle}/${subtitle}` };
}
