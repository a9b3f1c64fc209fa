// Agents that come with the server; any other needs a plug-in in the data directory (or a custom provider).
const builtInAgents: ReadonlySet<string> = new Set([
  'tv.plex.agents.movie',
  'tv.plex.agents.series',
  'tv.plex.agents.music',
  'tv.plex.agents.none',
  'com.plexapp.agents.none',
  'com.plexapp.agents.imdb',
  'com.plexapp.agents.themoviedb',
  'com.plexapp.agents.thetvdb',
  'com.plexapp.agents.thetvdbdvdorder',
  'com.plexapp.agents.localmedia',
  'com.plexapp.agents.lastfm',
  'com.plexapp.agents.plexmusic',
  'com.plexapp.agents.plexthememusic',
  'com.plexapp.agents.fanarttv',
  'com.plexapp.agents.opensubtitles',
  'com.plexapp.agents.lyricfind',
  'com.plexapp.agents.htbackdrops',
  'com.plexapp.agents.movieposterdb',
]);

/** True for an agent that every server brings along, e.g. `tv.plex.agents.movie`. */
export function isBuiltInAgent(identifier: string): boolean {
  return builtInAgents.has(identifier);
}

/** True for a plug-in that every server brings along, e.g. `com.plexapp.system`. */
export function isBuiltInPlugIn(identifier: string): boolean {
  return isBuiltInAgent(identifier) || /^com\.plexapp\.(?:system|plugins\.library|dlna)/.test(identifier) || identifier.startsWith('tv.plex.');
}
