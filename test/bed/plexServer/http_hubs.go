package main

import (
	"net/http"
	"strings"
	"unicode"
)

const inProgress = "item.metadata_type IN (1, 4) AND coalesce(state.view_offset, 0) > 0"

// nextEpisode picks, for every show the owner has begun, the first episode after the last one watched.
const nextEpisode = `item.id IN (SELECT id FROM (SELECT episode.id AS id, row_number() OVER (PARTITION BY season.parent_id ORDER BY season."index", episode."index") AS position
	FROM metadata_items episode JOIN metadata_items season ON season.id = episode.parent_id
	LEFT JOIN metadata_item_settings own ON own.guid = episode.guid AND own.account_id = 1
	WHERE episode.metadata_type = 4 AND coalesce(own.view_count, 0) = 0
	AND EXISTS (SELECT 1 FROM metadata_items other JOIN metadata_items otherSeason ON otherSeason.id = other.parent_id JOIN metadata_item_settings watched ON watched.guid = other.guid AND watched.account_id = 1 AND watched.view_count > 0
		WHERE otherSeason.parent_id = season.parent_id AND (otherSeason."index" < season."index" OR (otherSeason."index" = season."index" AND other."index" < episode."index")))) WHERE position = 1)`

func (s *server) serveOnDeck(w http.ResponseWriter, r *http.Request) {
	s.answerDeck(w, r, "("+inProgress+") OR "+nextEpisode)
}

func (s *server) answerDeck(w http.ResponseWriter, r *http.Request, condition string) {
	list, err := s.items(r.Context(), "WHERE "+condition+" GROUP BY item.id ORDER BY state.last_viewed_at DESC, item.id")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answerList(w, r, "Metadata", list)
}

func (s *server) serveContinueWatchingItems(w http.ResponseWriter, r *http.Request) {
	s.answerDeck(w, r, inProgress)
}

func (s *server) serveContinueWatching(w http.ResponseWriter, r *http.Request) {
	list, err := s.items(r.Context(), "WHERE "+inProgress+" GROUP BY item.id ORDER BY state.last_viewed_at DESC, item.id")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer(w, r, node{"size": 1, "Hub": []node{{"hubIdentifier": "continueWatching", "key": "/hubs/continueWatching/items", "title": "Continue Watching", "type": "mixed", "size": len(list), "Metadata": list}}})
}

// isDelimiter splits as the tokenizer does.
func isDelimiter(letter rune) bool {
	return letter < 0x80 && !unicode.IsLetter(letter) && !unicode.IsDigit(letter)
}

// serveSearch asks the full-text tables, so it fails when they or their tokenizer are broken.
func (s *server) serveSearch(w http.ResponseWriter, r *http.Request) {
	words := strings.FieldsFunc(r.URL.Query().Get("query"), isDelimiter)
	if len(words) == 0 {
		answerHtml(w, http.StatusBadRequest)
		return
	}
	query := `"` + strings.Join(words, `" "`) + `*"`
	items, err := s.items(r.Context(), "WHERE item.id IN (SELECT docid FROM fts4_metadata_titles_icu WHERE fts4_metadata_titles_icu MATCH ?) GROUP BY item.id ORDER BY item.id LIMIT ?", query, requestNumber(r, "limit", 50))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	tags, err := s.rows(r.Context(), "SELECT id, tag, tag_type AS tagType FROM tags WHERE id IN (SELECT docid FROM fts4_tag_titles_icu WHERE fts4_tag_titles_icu MATCH ?) ORDER BY id LIMIT ?", query, requestNumber(r, "limit", 50))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	byType := map[string][]node{}
	for _, item := range items {
		kind, _ := item["type"].(string)
		byType[kind] = append(byType[kind], item)
	}
	var hubs []node
	for _, kind := range []string{"movie", "show", "season", "episode", "artist", "album", "track", "clip", "photo", "collection", "playlist"} {
		if found := byType[kind]; len(found) > 0 {
			hubs = append(hubs, node{"hubIdentifier": kind, "type": kind, "title": kind, "size": len(found), "Metadata": found})
		}
	}
	if len(tags) > 0 {
		var directories []node
		for _, tag := range tags {
			directories = append(directories, node(tag))
		}
		hubs = append(hubs, node{"hubIdentifier": "tag", "type": "tag", "title": "tag", "size": len(directories), "Directory": directories})
	}
	answer(w, r, node{"size": len(hubs), "Hub": hubs})
}
