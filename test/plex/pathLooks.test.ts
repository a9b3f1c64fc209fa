import { describe, expect, it } from 'vitest';
import { parseMapping } from '../../src/plex/pathMapping.ts';
import { mayHoldPath, pathsIn } from '../../src/plex/pathLooks.ts';

const mapping = parseMapping([{ from: '/mnt/nas-plex', to: '/media/library' }]);

function seen(value: string): readonly string[] {
  const bytes = Buffer.from(value, 'utf8').toString('latin1');
  // As the scan does: what does not pass the quick look is not looked at.
  return mayHoldPath(bytes) ? pathsIn(bytes, mapping).map(({ form, path }) => `${form}: ${path}`) : [];
}

describe('pathsIn', () => {
  it.each([
    ['/home/alex/script.sh', 'path: /home/alex/script.sh'],
    ['/srv/films', 'path: /srv/films'],
    ['/media/library/Films/a.mkv', 'path: /media/library/Films/a.mkv'],
    ['/mnt/nas-plex2/a.mkv', 'path: /mnt/nas-plex2/a.mkv'],
    ['{"pr:script":"/home/alex/cut.sh","token":"s3cret"}', 'path: /home/alex/cut.sh'],
    [String.raw`{"path":"\/home\/alex\/cut.sh"}`, 'path: /home/alex/cut.sh'],
    ['at%3Ascript=%2Fhome%2Falex%2Fcut%2Esh&at%3Atoken=s3cret', 'path: /home/alex/cut.sh'],
    ['at%3ascript=%2fhome%2falex%2fcut.sh', 'path: /home/alex/cut.sh'],
    ['at%3Aurl=https%3A%2F%2Fexample.com%2Fa&pr%3Ascript=%2Fhome%2Falex%2Fcut%2Esh', 'path: /home/alex/cut.sh'],
    ['library:///directory/%252Fhome%252Falex%252Ffilms', 'path: /home/alex/films'],
    ['library:///directory/%2Fhome%2Falex%2Ffilms', 'path: /home/alex/films'],
    ['dir=/home/alex/films&X-Plex-Token=s3cret', 'path: /home/alex/films'],
    ['/home/alex/cut.sh --password s3cret', 'path: /home/alex/cut.sh'],
    ['It used to lie in /home/alex/films and moved', 'path: /home/alex/films'],
    ['see /opt/plex/bin', 'path: /opt/plex/bin'],
    ['see /films/old/ones', 'path: /films/old/ones'],
    ['/home/älex/é.mkv', 'path: /home/älex/é.mkv'],
    ['file:///home/alex/a%20b.srt', 'file url: /home/alex/a%20b.srt'],
    ['{"url":"file%3A%2F%2F%2Fhome%2Falex%2Fa.srt"}', 'file url: /home/alex/a.srt'],
    [String.raw`"file:\/\/\/home\/alex\/a.srt"`, 'file url: /home/alex/a.srt'],
    ['file://localhost/home/alex/a.srt', 'file url: /home/alex/a.srt'],
    ['file://nas/films/a.srt', 'network path: //nas/films/a.srt'],
    ['file:/home/alex/a.srt', 'path: /home/alex/a.srt'],
    [String.raw`C:\Media\Films\a.mkv`, String.raw`Windows path: C:\Media\Films\a.mkv`],
    [String.raw`{"path":"C:\\Media\\a.mkv"}`, String.raw`Windows path: C:\Media\a.mkv`],
    ['D:/Media/a.mkv', 'Windows path: D:/Media/a.mkv'],
    ['path=C%3A%5CMedia%5Ca.mkv', String.raw`Windows path: C:\Media\a.mkv`],
    [String.raw`\\nas\films\a.mkv`, String.raw`network path: \\nas\films\a.mkv`],
    [String.raw`{"path":"\\\\nas\\films\\a.mkv"}`, String.raw`network path: \\nas\films\a.mkv`],
    ['%5C%5Cnas%5Cfilms%5Ca.mkv', String.raw`network path: \\nas\films\a.mkv`],
    ['https://example.com/a?b=/c/d /home/alex/x', 'path: /home/alex/x'],
  ])('sees %j as %j', (value, path) => {
    expect(seen(value)).toEqual([path]);
  });

  it.each([
    '',
    'plain text',
    'and/or, his/her, 24/7, AC/DC, 12/24/2020, 50/50',
    'life /death/ and so on; told / sung / played',
    'Björk (/bjɔːrk/; born 1965)',
    'see /r/movies and /u/someone',
    'video/mp4',
    'text/plain; charset=utf-8',
    '2020/01/02 10:20',
    '/library/metadata/1',
    '/library/metadata/1/thumb/1600000000',
    '/library/sections/2/all?type=1',
    '/library/parts/5/1600/file.mkv',
    '/library/collections/3/children',
    '/playlists/12/items',
    '/hubs/sections/1',
    '/:/prefs',
    '/:/plugins/com.plexapp.system/resource',
    '/photo/:/transcode?url=/library/metadata/1/thumb',
    '/services/iva/assets/1234/video.mp4',
    '/system/services/url/lookup',
    '/web/index.html',
    '/player/playback/playMedia',
    '/media/providers/3',
    '/media/subscriptions/4/items',
    '/media/grabbers/devices/1',
    '/tv.plex.providers.epg.cloud:12/metadata/5e16',
    '/com.plexapp.plugins.library/x',
    'metadata://posters/tv.plex.agents.movie_0123',
    'upload://posters/0123/4567',
    'media://a/bcdef.bundle/Contents/Thumbnails/thumb1.jpg',
    'plex://movie/5d77',
    'https://image.example.com/t/p/original/abc.jpg',
    'https://example.com/x?path=/home/alex/x',
    'https%3A%2F%2Fmetadata-static.example.com%2Fa%2Fb.jpg',
    'pv%3Akey=%2Fservices%2Fiva%2Fassets%2F1&at%3Aurl=https%3A%2F%2Fexample.com%2Fa%2Fb%2Fc',
    '{"at:key":"/library/metadata/1","url":"at%3Akey=%2Flibrary%2Fmetadata%2F1"}',
    'library://0b1c/item/%2Flibrary%2Fmetadata%2F17',
    'library://0b1c/directory/%2Flibrary%2Fsections%2F2%2Fall%3Ftype%3D1',
    'server://abcdef/com.plexapp.plugins.library/library/metadata/1',
    'com.plexapp.agents.imdb://tt0111161?lang=en',
    'local://123',
    'iva://api.internetvideoarchive.com/2.0/x/y',
    'blob://',
    'http://127.0.0.1:32400/x/y/z',
    'a\\nb\\nc',
    String.raw`{"title":"a\\nb","x":"\u00e9\n"}`,
    '<b>x</b> <i/>',
    '</p></div>',
    '/mnt/nas-plex/Movies/a.mkv',
    '%2Fmnt%2Fnas-plex%2FMovies',
    'file:///mnt/nas-plex/a.srt',
    'Movies/A (2001)',
    'd8:announce/x/y',
  ])('sees no path in %j', (value) => {
    expect(seen(value)).toEqual([]);
  });

  it('groups by the first names, and cuts what is long', () => {
    const long = `/home/alex/${'x'.repeat(200)}/y`;
    expect(pathsIn(long, mapping)).toEqual([{ form: 'path', top: '/home/alex', path: `${long.slice(0, 100)}…` }]);
    expect(pathsIn(String.raw`C:\Media\a\b`, mapping)[0]?.top).toBe(String.raw`C:\Media`);
    expect(pathsIn(String.raw`\\nas\films\a`, mapping)[0]?.top).toBe(String.raw`\\nas\films`);
    expect(pathsIn('file://nas/films/a', mapping)[0]?.top).toBe('//nas/films');
  });

  it('knows a mapped directory whatever is in its name, and lets "/" hide nothing', () => {
    const odd = parseMapping([{ from: '/mnt/my films (old)', to: '/x' }]);
    expect(pathsIn('/mnt/my films (old)/a.mkv', odd)).toEqual([]);
    expect(pathsIn('/mnt/my films/a.mkv', odd).map(({ path }) => path)).toEqual(['/mnt/my']);
    expect(pathsIn('/home/alex/x', parseMapping([{ from: '/', to: '/x' }])).map(({ path }) => path)).toEqual(['/home/alex/x']);
  });

  const partings = [' ', '&t=', '"', "'", ';', ',', '?t=', '#', ':', '=', '|', '<', '>', '{', '(', '[', '\n', '\t'];

  it.each(partings)('never shows what stands beside a path, parted by %j, as it is or percent-encoded', (parting) => {
    const path = '/home/alex/a';
    for (const value of [`key=${path}${parting}s3cret`, `key=${encodeURIComponent(`${path}${parting}s3cret`)}`, `key=${encodeURIComponent(encodeURIComponent(`${path}${parting}s3cret`))}`]) {
      expect([value, seen(value)]).toEqual([value, ['path: /home/alex/a']]);
    }
  });
});
