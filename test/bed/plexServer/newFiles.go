package main

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"time"
)

const (
	movieType   = 1
	showType    = 2
	seasonType  = 3
	episodeType = 4
)

var videoEndings = map[string]bool{".mkv": true, ".mp4": true, ".avi": true, ".m4v": true, ".mov": true, ".ts": true, ".wmv": true}

// addNewFiles gives every video file that no media part names a new item without history or artwork: what a path left unmapped looks like to its owner.
// Only film sections: they need no parents.
func (s *server) addNewFiles(ctx context.Context, section int64) (int, error) {
	var sectionType int64
	if err := s.library.QueryRowContext(ctx, "SELECT section_type FROM library_sections WHERE id = ?", section).Scan(&sectionType); err != nil {
		return 0, err
	}
	if sectionType != movieType {
		return 0, nil
	}
	rows, err := s.library.QueryContext(ctx, "SELECT id, root_path FROM section_locations WHERE library_section_id = ?", section)
	if err != nil {
		return 0, err
	}
	roots := map[int64]string{}
	for rows.Next() {
		var id int64
		var root string
		if err := rows.Scan(&id, &root); err != nil {
			return 0, errors.Join(err, rows.Close())
		}
		roots[id] = root
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return 0, err
	}
	parts, err := s.rows(ctx, "SELECT file FROM media_parts WHERE coalesce(file, '') <> ''")
	if err != nil {
		return 0, err
	}
	known := make(map[string]bool, len(parts))
	for _, entry := range parts {
		known[entry.text("file")] = true
	}
	added := 0
	for location, root := range roots {
		files, err := s.unknownVideos(ctx, root, known)
		if err != nil {
			return added, err
		}
		for _, file := range files {
			if err := s.inTransaction(ctx, func(change *sql.Tx) error { return addMovie(ctx, change, newMovie{section, location, file}) }); err != nil {
				return added, err
			}
			added++
		}
	}
	return added, nil
}

func (s *server) unknownVideos(ctx context.Context, root string, known map[string]bool) ([]string, error) {
	var files []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			s.log.warning("Cannot read %q: %v", path, err)
			return nil
		}
		if entry.IsDir() && (entry.Name() == "Plex Versions" || strings.HasPrefix(entry.Name(), ".")) {
			return fs.SkipDir
		}
		if entry.Type().IsRegular() && videoEndings[strings.ToLower(filepath.Ext(path))] && !known[path] {
			files = append(files, path)
		}
		return nil
	})
	return files, err
}

type newMovie struct {
	section  int64
	location int64
	file     string
}

func addMovie(ctx context.Context, change *sql.Tx, movie newMovie) error {
	now := time.Now().Unix()
	title := strings.TrimSuffix(filepath.Base(movie.file), filepath.Ext(movie.file))
	item, err := change.ExecContext(ctx, "INSERT INTO metadata_items(library_section_id, metadata_type, guid, media_item_count, title, title_sort, hash, added_at, created_at, updated_at) VALUES(?1, ?2, ?3, 1, ?4, ?4, ?5, ?6, ?6, ?6)",
		movie.section, movieType, "local://"+randomHex(8), title, randomHex(20), now)
	if err != nil {
		return err
	}
	itemId, err := item.LastInsertId()
	if err != nil {
		return err
	}
	media, err := change.ExecContext(ctx, "INSERT INTO media_items(library_section_id, section_location_id, metadata_item_id, created_at, updated_at) VALUES(?1, ?2, ?3, ?4, ?4)", movie.section, movie.location, itemId, now)
	if err != nil {
		return err
	}
	mediaId, err := media.LastInsertId()
	if err != nil {
		return err
	}
	_, err = change.ExecContext(ctx, "INSERT INTO media_parts(media_item_id, file, hash, created_at, updated_at) VALUES(?1, ?2, ?3, ?4, ?4)", mediaId, movie.file, randomHex(20), now)
	return err
}
