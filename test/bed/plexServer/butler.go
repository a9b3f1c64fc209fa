package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// bundleOwners are the places of bundles and the column that names them; a bundle no row names is an old one.
var bundleOwners = []struct {
	pattern []string
	query   string
}{
	{[]string{"Metadata", "*", "*", "*.bundle"}, "SELECT 1 FROM metadata_items WHERE hash = ? LIMIT 1"},
	{[]string{"Media", "localhost", "*", "*.bundle"}, "SELECT 1 FROM media_parts WHERE hash = ? LIMIT 1"},
}

// runButler does the housekeeping that deletes, once, some time after the start.
func (s *server) runButler(ctx context.Context) error {
	if !pause(ctx, s.env.butlerDelay) {
		return nil
	}
	if !s.preferences.isOn("ButlerTaskCleanOldBundles") {
		s.log.info("Butler: CleanOldBundles is off")
		return nil
	}
	return s.cleanOldBundles(ctx)
}

// cleanOldBundles deletes the artwork of every item the database does not know (any more).
func (s *server) cleanOldBundles(ctx context.Context) error {
	entry := &activity{kind: "butler.CleanOldBundles", title: "Cleaning old bundles"}
	defer s.activities.begin(entry)()
	removed := 0
	for _, owner := range bundleOwners {
		bundles, err := filepath.Glob(filepath.Join(append([]string{escapeGlob(s.env.dataDirectory)}, owner.pattern...)...))
		if err != nil {
			return err
		}
		for _, bundle := range bundles {
			hash := filepath.Base(filepath.Dir(bundle)) + strings.TrimSuffix(filepath.Base(bundle), ".bundle")
			known, err := s.numbers(ctx, owner.query, hash)
			if err != nil {
				return err
			}
			if len(known) > 0 {
				continue
			}
			if err := os.RemoveAll(bundle); err != nil && !errors.Is(err, fs.ErrNotExist) {
				s.log.failure("Butler: cannot remove %q: %v", bundle, err)
				continue
			}
			removed++
		}
	}
	s.log.info("Butler: removed %d old bundles", removed)
	return nil
}

func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}
