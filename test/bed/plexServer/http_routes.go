package main

import "net/http"

// handler is the table of every call the server answers.
func (s *server) handler() http.Handler {
	routes := http.NewServeMux()
	for pattern, serve := range map[string]http.HandlerFunc{
		"GET /{$}":                                    s.serveRoot,
		"GET /identity":                               s.serveIdentity,
		"GET /:/prefs":                                s.servePreferences,
		"PUT /:/prefs":                                s.changePreferences,
		"GET /status/sessions":                        s.serveSessions,
		"GET /status/sessions/background":             s.serveBackgroundSessions,
		"GET /status/sessions/history/all":            s.serveHistory,
		"GET /transcode/sessions":                     s.serveTranscodes,
		"GET /activities":                             s.serveActivities,
		"DELETE /activities/{id}":                     s.cancelActivity,
		"GET /butler":                                 s.serveButler,
		"POST /butler":                                s.startButlerTasks,
		"POST /butler/{task}":                         s.startButlerTask,
		"DELETE /butler":                              s.stopButlerTasks,
		"DELETE /butler/{task}":                       s.stopButlerTasks,
		"GET /accounts":                               s.serveAccounts,
		"GET /devices":                                s.serveDevices,
		"GET /library/sections":                       s.serveSections,
		"GET /library/sections/all":                   s.serveSections,
		"GET /library/sections/{id}/all":              s.serveSectionItems,
		"GET /library/sections/{id}/collections":      s.serveSectionCollections,
		"GET /library/sections/{id}/refresh":          s.refreshSection,
		"POST /library/sections/{id}/refresh":         s.refreshSection,
		"DELETE /library/sections/{id}/refresh":       s.cancelRefresh,
		"PUT /library/sections/{id}/emptyTrash":       s.emptySectionTrash,
		"PUT /library/optimize":                       s.optimizeLibrary,
		"GET /library/metadata/{ids}":                 s.serveMetadata,
		"GET /library/metadata/{id}/children":         s.serveChildren,
		"GET /library/metadata/{id}/{kind}/{stamp}":   s.serveArtwork,
		"GET /library/metadata/{id}/{kind}":           s.serveArtwork,
		"GET /library/parts/{id}/{stamp}/{name}":      s.servePart,
		"GET /library/parts/{id}/{name}":              s.servePart,
		"GET /library/streams/{id}":                   s.serveStream,
		"GET /library/collections/{id}/items":         s.serveCollectionItems,
		"GET /library/collections/{id}/children":      s.serveCollectionItems,
		"GET /library/onDeck":                         s.serveOnDeck,
		"GET /hubs/continueWatching":                  s.serveContinueWatching,
		"GET /hubs/continueWatching/items":            s.serveContinueWatchingItems,
		"GET /hubs/search":                            s.serveSearch,
		"GET /playlists":                              s.servePlaylists,
		"GET /playlists/{id}":                         s.servePlaylist,
		"GET /playlists/{id}/items":                   s.servePlaylistItems,
		"GET /photo/:/transcode":                      s.servePhoto,
		"POST /:/timeline":                            s.takeTimeline,
		"GET /:/timeline":                             s.takeTimeline,
		"GET /:/scrobble":                             s.scrobble,
		"PUT /:/scrobble":                             s.scrobble,
		"GET /:/unscrobble":                           s.unscrobble,
		"GET /video/:/transcode/universal/start.m3u8": s.startTranscode,
		"POST /standin/session":                       s.addSession,
		"DELETE /standin/session":                     s.removeSessions,
		"POST /standin/writes":                        s.setWrites,
		"GET /standin/load":                           s.serveLoad,
		"POST /standin/load":                          s.setLoad,
	} {
		routes.HandleFunc(pattern, serve)
	}
	routes.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { answerHtml(w, http.StatusNotFound) })
	return s.withAccess(routes)
}
