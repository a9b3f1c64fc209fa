package main

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
)

// transcodeDirectory is where transcoders write. A directory the owner chose has to be there already: one that stayed behind on another machine fails playback.
func (s *server) transcodeDirectory() (string, error) {
	chosen := s.preferences.get("TranscoderTempDirectory")
	if chosen == "" {
		return s.env.path("Cache", "Transcode", "Sessions"), nil
	}
	information, err := os.Stat(chosen)
	if err == nil && !information.IsDir() {
		err = fmt.Errorf("%q is no directory", chosen)
	}
	if err != nil {
		return "", fmt.Errorf("Cannot transcode: %w", err)
	}
	return chosen, nil
}

// startTranscode answers a player that asks for a converted stream: a transcoder runs until the session is removed.
func (s *server) startTranscode(w http.ResponseWriter, r *http.Request) {
	item, err := strconv.ParseInt(strings.TrimPrefix(r.URL.Query().Get("path"), "/library/metadata/"), 10, 64)
	if err != nil {
		answerHtml(w, http.StatusBadRequest)
		return
	}
	file := ""
	if err := s.library.QueryRowContext(r.Context(), "SELECT coalesce((SELECT part.file FROM media_parts part JOIN media_items media ON media.id = part.media_item_id WHERE media.metadata_item_id = ? ORDER BY media.id, part.id LIMIT 1), '')", item).Scan(&file); err != nil {
		s.fail(w, r, err)
		return
	}
	scratch, err := s.transcodeDirectory()
	if err != nil {
		s.fail(w, r, err)
		return
	}
	media, err := os.Open(file)
	if err != nil {
		s.fail(w, r, fmt.Errorf("Cannot transcode: %w", err))
		return
	}
	defer media.Close()
	entry := &session{ratingKey: strconv.FormatInt(item, 10), title: "Item " + strconv.FormatInt(item, 10), user: "owner", state: "playing"}
	if err := s.sessions.add(entry, s.env.programs, scratch); err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/vnd.apple.mpegurl")
	fmt.Fprintf(w, "#EXTM3U\n#EXT-X-STREAM-INF:PROGRAM-ID=1\nsession/%s/base/index.m3u8\n", entry.key)
}
