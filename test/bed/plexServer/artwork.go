package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
)

// artworkColumns maps the kind in an artwork's address to the column that names the artwork.
var artworkColumns = map[string]string{
	"thumb": "user_thumb_url", "art": "user_art_url", "banner": "user_banner_url", "theme": "user_music_url", "clearLogo": "user_clear_logo_url", "squareArt": "user_square_art_url",
}

// bundleDirectories maps item types to the folder below Metadata that keeps their bundles.
var bundleDirectories = map[int64]string{
	1: "Movies", 2: "TV Shows", 3: "TV Shows", 4: "TV Shows", 8: "Artists", 9: "Albums", 10: "Albums", 12: "Movies", 13: "Photos", 14: "Photos", 15: "Playlists", 18: "Collections",
}

// artworkFile finds the file of one artwork of an item through the item's hash. An empty result means that the item has none on this disk.
func (s *server) artworkFile(ctx context.Context, item int64, kind string) (string, error) {
	column, known := artworkColumns[kind]
	if !known {
		return "", fmt.Errorf("Cannot serve artwork %q: no such kind", kind)
	}
	found, err := s.rows(ctx, "SELECT metadata_type, hash, "+column+" AS url FROM metadata_items WHERE id = ?", item)
	if err != nil || len(found) == 0 {
		return "", err
	}
	return s.resolveArtwork(found[0].text("url"), found[0].number("metadata_type"), found[0].text("hash")), nil
}

func (s *server) resolveArtwork(url string, kind int64, hash string) string {
	scheme, rest, found := strings.Cut(url, "://")
	if !found || strings.Contains(rest, "..") {
		return ""
	}
	if scheme == "media" {
		return s.env.path("Media", "localhost", filepath.FromSlash(rest))
	}
	if len(hash) < 2 || bundleDirectories[kind] == "" {
		return ""
	}
	bundle := s.env.path("Metadata", bundleDirectories[kind], hash[:1], hash[1:]+".bundle")
	switch scheme {
	case "metadata":
		return filepath.Join(bundle, "Contents", "_combined", filepath.FromSlash(rest))
	case "upload":
		return filepath.Join(bundle, "Uploads", filepath.FromSlash(rest))
	}
	return ""
}
