package main

import (
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// servePart sends the bytes of a media file, or the asked range of them.
func (s *server) servePart(w http.ResponseWriter, r *http.Request) {
	s.serveFileOf(w, r, "SELECT file FROM media_parts WHERE id = ?")
}

// serveStream sends a sidecar file: media_streams.url is a file URL in which older rows hold raw spaces.
func (s *server) serveStream(w http.ResponseWriter, r *http.Request) {
	s.serveFileOf(w, r, "SELECT url AS file FROM media_streams WHERE id = ?")
}

func (s *server) serveFileOf(w http.ResponseWriter, r *http.Request, query string) {
	found, err := s.rows(r.Context(), query, pathNumber(r, "id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if len(found) == 0 || !found[0].has("file") {
		answerHtml(w, http.StatusNotFound)
		return
	}
	file := found[0].text("file")
	if rest, isUrl := strings.CutPrefix(file, "file://"); isUrl {
		if file, err = url.PathUnescape(rest); err != nil {
			file = rest
		}
	}
	s.sendFile(w, r, file)
}

// sendFile answers 404 for a file that is gone and 503 for one that cannot be read.
func (s *server) sendFile(w http.ResponseWriter, r *http.Request, path string) {
	file, err := os.Open(path)
	if err != nil {
		s.log.warning("%s %s: %v", r.Method, r.URL.Path, err)
		status := http.StatusServiceUnavailable
		if errors.Is(err, fs.ErrNotExist) {
			status = http.StatusNotFound
		}
		answerHtml(w, status)
		return
	}
	defer file.Close()
	information, err := file.Stat()
	if err != nil || !information.Mode().IsRegular() {
		answerHtml(w, http.StatusServiceUnavailable)
		return
	}
	http.ServeContent(w, r, path, information.ModTime().Truncate(time.Second), file)
}

func (s *server) serveArtwork(w http.ResponseWriter, r *http.Request) {
	s.sendArtwork(w, r, pathNumber(r, "id"), r.PathValue("kind"))
}

func (s *server) sendArtwork(w http.ResponseWriter, r *http.Request, item int64, kind string) {
	if _, known := artworkColumns[kind]; !known {
		answerHtml(w, http.StatusNotFound)
		return
	}
	file, err := s.artworkFile(r.Context(), item, kind)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if file == "" {
		answerHtml(w, http.StatusNotFound)
		return
	}
	s.sendFile(w, r, file)
}

// servePhoto answers with the artwork that url names, in its original size.
func (s *server) servePhoto(w http.ResponseWriter, r *http.Request) {
	address, err := url.Parse(r.URL.Query().Get("url"))
	if err != nil {
		answerHtml(w, http.StatusBadRequest)
		return
	}
	pieces := strings.Split(strings.TrimPrefix(address.Path, "/library/metadata/"), "/")
	if len(pieces) < 2 || !strings.HasPrefix(address.Path, "/library/metadata/") {
		answerHtml(w, http.StatusNotFound)
		return
	}
	item, err := strconv.ParseInt(pieces[0], 10, 64)
	if err != nil {
		answerHtml(w, http.StatusBadRequest)
		return
	}
	s.sendArtwork(w, r, item, pieces[1])
}
