package main

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

func (s *server) serveIdentity(w http.ResponseWriter, r *http.Request) {
	answer(w, r, node{"size": 0, "claimed": s.preferences.isClaimed(), "machineIdentifier": s.preferences.get("ProcessedMachineIdentifier"), "version": version})
}

func (s *server) serveRoot(w http.ResponseWriter, r *http.Request) {
	state := "none"
	if s.preferences.isClaimed() {
		state = "ok"
	}
	transcodes := 0
	for _, entry := range s.sessions.list() {
		if entry.transcoder != nil {
			transcodes++
		}
	}
	answer(w, r, node{
		"size": 0, "claimed": s.preferences.isClaimed(), "machineIdentifier": s.preferences.get("ProcessedMachineIdentifier"), "version": version,
		"friendlyName": s.preferences.friendlyName(), "myPlex": s.preferences.isClaimed(), "myPlexSigninState": state, "myPlexUsername": s.preferences.get("PlexOnlineUsername"),
		"platform": "Linux", "transcoderActiveVideoSessions": transcodes, "allowMediaDeletion": s.preferences.isOn("allowMediaDeletion"),
		"startedAt": s.startedAt.Unix(), "updatedAt": time.Now().Unix(), "backgroundProcessing": !s.preferences.isOn("BackgroundQueueIdlePaused"),
	})
}

func (s *server) servePreferences(w http.ResponseWriter, r *http.Request) {
	list := make([]node, 0, len(knownSettings))
	for _, known := range knownSettings {
		list = append(list, node{"id": known.id, "label": known.label, "summary": "", "type": string(known.kind), "default": typedValue(known.kind, known.fallback), "value": typedValue(known.kind, s.preferences.get(known.id)), "hidden": known.hidden, "advanced": known.hidden, "group": known.group})
	}
	answer(w, r, node{"size": len(list), "Setting": list})
}

func typedValue(kind settingKind, text string) any {
	switch kind {
	case boolSetting:
		return text == "1" || text == "true"
	case intSetting:
		if number, err := strconv.Atoi(text); err == nil {
			return number
		}
	}
	return text
}

// changePreferences takes settings from the query. A name Plex does not know is refused, as a typing error must not look like a success.
func (s *server) changePreferences(w http.ResponseWriter, r *http.Request) {
	var changes []attribute
	for name, values := range r.URL.Query() {
		if strings.HasPrefix(name, "X-Plex-") || len(values) == 0 {
			continue
		}
		known := findSetting(name)
		if known == nil {
			s.log.warning("PUT /:/prefs: unknown setting %q", name)
			answerHtml(w, http.StatusBadRequest)
			return
		}
		value := values[0]
		if known.kind == boolSetting {
			value = map[bool]string{true: "1", false: "0"}[value == "1" || value == "true"]
		}
		changes = append(changes, attribute{name, value})
	}
	if err := s.preferences.set(changes); err != nil {
		s.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusOK)
}

func (s *server) serveActivities(w http.ResponseWriter, r *http.Request) {
	var list []node
	for _, entry := range s.activities.list() {
		element := node{"uuid": entry.id, "type": entry.kind, "title": entry.title, "subtitle": entry.subtitle, "progress": entry.progress, "cancellable": entry.cancel != nil, "userID": owner}
		if entry.section != 0 {
			element["Context"] = []node{{"librarySectionID": strconv.FormatInt(entry.section, 10)}}
		}
		list = append(list, element)
	}
	answer(w, r, node{"size": len(list), "Activity": list})
}

func (s *server) cancelActivity(w http.ResponseWriter, r *http.Request) {
	for _, entry := range s.activities.list() {
		if entry.id == r.PathValue("id") && entry.cancel != nil {
			entry.cancel()
			w.WriteHeader(http.StatusOK)
			return
		}
	}
	answerHtml(w, http.StatusNotFound)
}

func (s *server) serveAccounts(w http.ResponseWriter, r *http.Request) {
	s.answerRows(w, r, "Account", "SELECT id, '/accounts/' || id AS key, coalesce(name, '') AS name, coalesce(default_audio_language, '') AS defaultAudioLanguage, coalesce(default_subtitle_language, '') AS defaultSubtitleLanguage FROM accounts ORDER BY id")
}

func (s *server) serveDevices(w http.ResponseWriter, r *http.Request) {
	s.answerRows(w, r, "Device", "SELECT id, name, coalesce(platform, '') AS platform, identifier AS clientIdentifier, coalesce(created_at, 0) AS createdAt FROM devices ORDER BY id")
}

func (s *server) serveHistory(w http.ResponseWriter, r *http.Request) {
	direction := "DESC"
	if strings.HasSuffix(r.URL.Query().Get("sort"), ":asc") {
		direction = "ASC"
	}
	s.answerRows(w, r, "Metadata", `SELECT '/status/sessions/history/' || view.id AS historyKey, coalesce(item.id, '') AS ratingKey, view.title AS title, coalesce(view.grandparent_title, '') AS grandparentTitle,
		view.guid AS guid, view.viewed_at AS viewedAt, view.account_id AS accountID, coalesce(view.device_id, 0) AS deviceID, coalesce(view.library_section_id, 0) AS librarySectionID
		FROM metadata_item_views view LEFT JOIN metadata_items item ON item.guid = view.guid GROUP BY view.id ORDER BY view.viewed_at `+direction+`, view.id`)
}

func (s *server) answerRows(w http.ResponseWriter, r *http.Request, name string, query string, values ...any) {
	found, err := s.rows(r.Context(), query, values...)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	list := make([]node, 0, len(found))
	for _, entry := range found {
		list = append(list, node(entry))
	}
	answerList(w, r, name, list)
}
