package main

import (
	"fmt"
	"net/http"
	"strconv"
)

func (s *server) serveSessions(w http.ResponseWriter, r *http.Request) {
	var list []node
	for _, entry := range s.sessions.list() {
		if entry.background {
			continue
		}
		element := node{
			"sessionKey": entry.key, "ratingKey": entry.ratingKey, "title": entry.title, "type": "movie", "viewOffset": entry.offsetMs,
			"User": node{"id": "1", "title": entry.user}, "Player": node{"title": "Stand-in player", "state": entry.state, "machineIdentifier": entry.key, "product": "Plex Web"}, "Session": node{"id": entry.key, "bandwidth": 8000, "location": "lan"},
		}
		if entry.transcoder != nil {
			element["TranscodeSession"] = transcodeNode(entry)
		}
		list = append(list, element)
	}
	answer(w, r, node{"size": len(list), "Metadata": list})
}

func transcodeNode(entry *session) node {
	return node{"key": "/transcode/sessions/" + entry.key, "progress": 12.5, "speed": 1.5, "throttled": false, "complete": false, "protocol": "dash", "videoDecision": "transcode", "audioDecision": "transcode", "context": map[bool]string{true: "static", false: "streaming"}[entry.background]}
}

func (s *server) serveTranscodes(w http.ResponseWriter, r *http.Request) {
	var list []node
	for _, entry := range s.sessions.list() {
		if entry.transcoder != nil {
			list = append(list, transcodeNode(entry))
		}
	}
	answer(w, r, node{"size": len(list), "TranscodeSession": list})
}

func (s *server) serveBackgroundSessions(w http.ResponseWriter, r *http.Request) {
	var list []node
	for _, entry := range s.sessions.list() {
		if entry.background {
			list = append(list, node{"title": entry.title, "type": "movie", "ratingKey": entry.ratingKey, "TranscodeSession": transcodeNode(entry)})
		}
	}
	answer(w, r, node{"size": len(list), "Metadata": list})
}

// takeTimeline is what a player reports while it plays: it moves the owner's resume point and shows the session.
func (s *server) takeTimeline(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	item, itemError := strconv.ParseInt(query.Get("ratingKey"), 10, 64)
	offset, offsetError := strconv.ParseInt(query.Get("time"), 10, 64)
	if itemError != nil || offsetError != nil {
		answerHtml(w, http.StatusBadRequest)
		return
	}
	if err := s.recordProgress(r.Context(), item, offset); err != nil {
		s.fail(w, r, err)
		return
	}
	client := query.Get("X-Plex-Client-Identifier")
	if client == "" {
		client = r.Header.Get("X-Plex-Client-Identifier")
	}
	s.sessions.report(&session{key: client + "/" + query.Get("ratingKey"), ratingKey: query.Get("ratingKey"), title: "Item " + query.Get("ratingKey"), user: "owner", state: query.Get("state"), offsetMs: offset})
	answer(w, r, node{"size": 0})
}

func (s *server) scrobble(w http.ResponseWriter, r *http.Request) {
	item, err := strconv.ParseInt(r.URL.Query().Get("key"), 10, 64)
	if err != nil {
		answerHtml(w, http.StatusBadRequest)
		return
	}
	if err := s.recordView(r.Context(), item); err != nil {
		s.fail(w, r, err)
	}
}

func (s *server) unscrobble(w http.ResponseWriter, r *http.Request) {
	item, err := strconv.ParseInt(r.URL.Query().Get("key"), 10, 64)
	if err != nil {
		answerHtml(w, http.StatusBadRequest)
		return
	}
	if err := s.forgetViews(r.Context(), item); err != nil {
		s.fail(w, r, err)
	}
}

// addSession is for tests: a stream in progress, with transcode=1 a real transcoder process beside it, with background=1 an optimizer's job.
func (s *server) addSession(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	entry := &session{title: query.Get("title"), user: query.Get("user"), ratingKey: query.Get("ratingKey"), state: "playing", pinned: true, background: query.Get("background") == "1"}
	scratch := ""
	if query.Get("transcode") == "1" || entry.background {
		scratch = s.env.path("Cache", "Transcode", "Sessions")
	}
	if err := s.sessions.add(entry, s.env.programs, scratch); err != nil {
		s.fail(w, r, err)
		return
	}
	fmt.Fprintln(w, entry.key)
}

func (s *server) removeSessions(w http.ResponseWriter, r *http.Request) {
	if err := s.sessions.removeAll(); err != nil {
		s.fail(w, r, err)
	}
}

func (s *server) setWrites(w http.ResponseWriter, r *http.Request) {
	rate, err := strconv.Atoi(r.URL.Query().Get("perSecond"))
	if err != nil || rate < 0 {
		answerHtml(w, http.StatusBadRequest)
		return
	}
	s.writesPerSecond.Store(int64(rate))
}
