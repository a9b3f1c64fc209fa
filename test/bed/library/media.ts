import { extname } from 'node:path';
import { daySeconds } from './moments.ts';
import { extraData, percentEncoded } from './plexText.ts';
import type { Random } from './random.ts';
import type { Location, Section } from './sections.ts';
import type { MediaFile } from './mediaFiles.ts';
import type { Part, Stream, Workshop } from './workshop.ts';

/** A stream to be written; a `url` of null is an embedded one. */
export interface StreamDraft {
  readonly type: 1 | 2 | 3 | 4;
  readonly codec: string;
  readonly language?: string;
  readonly url?: string | null;
  readonly forced?: boolean;
}

/** One version of an item: a `media_items` row with its parts and their streams. */
export interface MediaDraft {
  readonly itemId: number;
  readonly itemTitle: string;
  readonly section: Section;
  /** The root below which the files lie; null for one that is not on this server. */
  readonly location: Location | null;
  /** Relative to the root, one for each part; or files written before, where two items share one. */
  readonly files: readonly (string | MediaFile)[];
  readonly durationMs: number;
  readonly addedAt: number;
  readonly streams: readonly StreamDraft[];
  /** 42 marks an optimized version. */
  readonly proxyType?: 42;
}

/** Writes the files of `draft` that are not written yet, and all its rows. */
export function addMedia(workshop: Workshop, draft: MediaDraft): { mediaItemId: number; parts: readonly Part[]; files: readonly MediaFile[] } {
  const { rows } = workshop;
  const random = workshop.random('media');
  const root = draft.location?.rootPath ?? '';
  const files = draft.files.map((file) => (typeof file === 'string' ? workshop.media.write(`${root}/${file}`, draft.addedAt) : file));
  const container = extname(files[0]?.path ?? '.mp4').slice(1);
  const picture = draft.section.kind === 'photos';
  const audio = draft.section.kind === 'music';
  const mediaItemId = rows.insert('media_items', {
    library_section_id: draft.section.id, section_location_id: draft.location?.id ?? null, metadata_item_id: draft.itemId, type_id: draft.section.type,
    width: audio ? null : picture ? 24 : 1920, height: audio ? null : picture ? 16 : 1080, size: files.reduce((sum, file) => sum + file.sizeBytes, 0),
    duration: picture ? null : draft.durationMs, bitrate: picture ? null : random.integer(128_000, 9_000_000), container,
    video_codec: audio ? '' : picture ? 'png' : 'h264', audio_codec: picture ? '' : audio ? container : 'aac',
    display_aspect_ratio: audio ? null : 1.777_777_791_023_254_4,
    frames_per_second: audio || picture ? null : 23.976_024_627_685_547, audio_channels: picture ? null : 2, interlaced: false, source: '', display_offset: 0,
    settings: '',
    hints: `name=${percentEncoded(draft.itemTitle)}`, created_at: draft.addedAt, updated_at: draft.addedAt, optimized_for_streaming: container === 'mp4',
    media_analysis_version: 6,
    sample_aspect_ratio: 1, extra_data: extraData({ 'ma:videoProfile': 'high' }), proxy_type: draft.proxyType ?? null, color_trc: audio ? null : 'bt709',
  });
  const parts = files.map((file, index) => addPart(workshop, { draft, mediaItemId, file, index, random }));
  return { mediaItemId, parts, files };
}

/** The `media_parts` row of something that lies on the internet: its file is an empty text. */
export function addCloudPart(workshop: Workshop, { mediaItemId, key, addedAt }: { mediaItemId: number; key: string; addedAt: number }): void {
  workshop.rows.insert('media_parts', {
    media_item_id: mediaItemId, file: '', size: null, duration: 120_000, created_at: addedAt, updated_at: addedAt,
    extra_data: extraData({ 'at:key': key, 'at:optimizedForStreaming': '1' }),
  });
}

interface PartDraft {
  readonly draft: MediaDraft;
  readonly mediaItemId: number;
  readonly file: MediaFile;
  readonly index: number;
  readonly random: Random;
}

function addPart(workshop: Workshop, { draft, mediaItemId, file, index, random }: PartDraft): Part {
  const { rows } = workshop;
  const { addedAt } = draft;
  const relative = draft.location === null ? file.path : file.path.slice(draft.location.rootPath.length + 1);
  const slash = relative.lastIndexOf('/');
  const id = rows.insert('media_parts', {
    media_item_id: mediaItemId, directory_id: workshop.directoryId(draft.section, slash === -1 ? '' : relative.slice(0, slash)), hash: file.hash,
    open_subtitle_hash: random.hex(16), file: file.path, index: draft.files.length > 1 ? index : null, size: file.sizeBytes, duration: draft.durationMs,
    created_at: addedAt, updated_at: addedAt, extra_data: extraData({ 'ma:container': extname(file.path).slice(1), 'ma:deepAnalysisVersion': '6' }),
  });
  const streams = draft.streams.map((stream, position): Stream => {
    const url = stream.url ?? null;
    const streamId = rows.insert('media_streams', {
      stream_type_id: stream.type, media_item_id: mediaItemId, url, codec: stream.codec, language: stream.language ?? null, created_at: addedAt,
      updated_at: addedAt + daySeconds, index: url === null || url === '' ? position : null, media_part_id: id, channels: stream.type === 2 ? 2 : null,
      bitrate: random.integer(1000, 9000),
      url_index: url === null || url === '' ? null : 0, default: position < 2, forced: stream.forced ?? false,
      extra_data: stream.type === 1 ? extraData({ 'ma:height': '1080', 'ma:width': '1920' }) : extraData({ 'ma:title': stream.language ?? 'und' }),
    });
    return { id: streamId, type: stream.type, url };
  });
  return { id, mediaItemId, file: file.path, sizeBytes: file.sizeBytes, hash: file.hash, streams };
}
