import { z } from 'zod';
import type { ServerConnection } from './connection.ts';

/** One stream in progress. */
export interface Stream {
  readonly user: string;
  readonly title: string;
  readonly player: string;
  readonly transcoding: boolean;
}

const many = <Shape extends z.ZodType>(shape: Shape) => z.array(shape).default([]);
const named = z.object({ title: z.string().optional() });
const playing = z.object({
  title: z.string().default('something without a title'),
  grandparentTitle: z.string().optional(),
  User: named.optional(),
  Player: z.object({ title: z.string().optional(), product: z.string().optional() }).optional(),
  TranscodeSession: z.unknown().optional(),
});
const sessionsShape = z.object({ MediaContainer: z.object({ Metadata: many(playing) }) });
const transcodesShape = z.object({ MediaContainer: z.object({ TranscodeSession: many(z.object({ key: z.string().optional(), context: z.string().optional() })) }) });
const activitiesShape = z.object({ MediaContainer: z.object({ Activity: many(z.object({ type: z.string().optional(), title: z.string().optional(), subtitle: z.string().optional(), progress: z.number().optional() })) }) });

/** Milliseconds for one answer of a server that may be busy. */
const answerTimeoutMs = 15_000;

/** Who is watching, and what runs in the background (scans, optimizer jobs, transcodes without a viewer). Throws when the server gives no answer. */
export async function readSessions(connection: ServerConnection, token: string | null): Promise<{ readonly streams: readonly Stream[]; readonly backgroundJobs: readonly string[] }> {
  const get = async <Shape extends z.ZodType>(path: string, shape: Shape): Promise<z.infer<Shape>> => {
    const response = await fetch(`${connection.baseUrl}${path}`, {
      headers: { accept: 'application/json', connection: 'close', ...(token === null ? {} : { 'X-Plex-Token': token }) },
      signal: AbortSignal.timeout(answerTimeoutMs),
    });
    if (!response.ok) throw new Error(`the server answered ${path} with HTTP status ${response.status}`);
    return shape.parse(await response.json());
  };
  const sessions = await get('/status/sessions', sessionsShape);
  const transcodes = await get('/transcode/sessions', transcodesShape);
  const background = await get('/status/sessions/background', sessionsShape);
  const activities = await get('/activities', activitiesShape);

  const streams = sessions.MediaContainer.Metadata.map((item) => ({
    user: item.User?.title ?? 'somebody',
    title: titleOf(item),
    player: item.Player?.title ?? item.Player?.product ?? 'an unnamed player',
    transcoding: item.TranscodeSession !== undefined,
  }));
  const optimizing = background.MediaContainer.Metadata.map((item) => `a version of "${titleOf(item)}" is being made`);
  // A transcode that belongs to a stream or to an optimizer job is told with it; what is left over belongs to a download or a recording.
  const unexplained = transcodes.MediaContainer.TranscodeSession.length - streams.filter(({ transcoding }) => transcoding).length - optimizing.length;
  const others = unexplained > 0 ? [`${unexplained} transcode${unexplained === 1 ? '' : 's'} for a download or recording`] : [];
  const tasks = activities.MediaContainer.Activity.map((task) => [task.title ?? task.type ?? 'an unnamed task', task.subtitle, task.progress === undefined ? undefined : `${task.progress} %`].filter((part) => part !== undefined && part !== '').join(', '));
  return { streams, backgroundJobs: [...optimizing, ...others, ...tasks] };
}

function titleOf(item: z.infer<typeof playing>): string {
  return item.grandparentTitle === undefined ? item.title : `${item.grandparentTitle}: ${item.title}`;
}
