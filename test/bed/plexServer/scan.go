package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"
)

// part is one media file as the database knows it.
type part struct {
	id      int64
	media   int64
	file    string
	deleted bool
}

// scanSection looks for every file of the section. Missing ones are marked, and with autoEmptyTrash on (the default) their items are deleted for good:
// whether a single file or a whole mount is missing makes no difference.
func (s *server) scanSection(ctx context.Context, section int64) error {
	entry := &activity{kind: "library.update.section", title: "Scanning", section: section}
	entry.cancel = func() { s.scans.cancelScans(section) }
	defer s.activities.begin(entry)()
	s.log.info("Scanning section %d", section)
	parts, err := s.partsOf(ctx, section)
	if err != nil {
		return err
	}
	var missing, back []part
	for index, candidate := range parts {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		_, err := os.Stat(candidate.file)
		switch {
		case err != nil && !candidate.deleted:
			missing = append(missing, candidate)
		case err == nil && candidate.deleted:
			back = append(back, candidate)
		}
		s.activities.report(entry, index*90/len(parts))
	}
	if err := s.inTransaction(ctx, func(change *sql.Tx) error { return markParts(ctx, change, missing, back) }); err != nil {
		return err
	}
	added, err := s.addNewFiles(ctx, section)
	if err != nil {
		return err
	}
	s.log.info("Section %d: %d files missing, %d back, %d new", section, len(missing), len(back), added)
	if s.preferences.isOn("autoEmptyTrash") {
		if err := s.emptyTrash(ctx, section); err != nil {
			return err
		}
	}
	return s.recordScan(ctx, section)
}

func (s *server) partsOf(ctx context.Context, section int64) ([]part, error) {
	rows, err := s.library.QueryContext(ctx, `SELECT media_parts.id, media_parts.media_item_id, media_parts.file, media_parts.deleted_at IS NOT NULL
		FROM media_parts JOIN media_items ON media_items.id = media_parts.media_item_id
		WHERE media_items.library_section_id = ? AND coalesce(media_parts.file, '') <> ''`, section)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var parts []part
	for rows.Next() {
		var found part
		if err := rows.Scan(&found.id, &found.media, &found.file, &found.deleted); err != nil {
			return nil, err
		}
		parts = append(parts, found)
	}
	return parts, rows.Err()
}

func markParts(ctx context.Context, change *sql.Tx, missing []part, back []part) error {
	now := time.Now().Unix()
	for _, lost := range missing {
		if _, err := change.ExecContext(ctx, "UPDATE media_parts SET deleted_at = ? WHERE id = ?", now, lost.id); err != nil {
			return err
		}
		if _, err := change.ExecContext(ctx, "UPDATE media_items SET deleted_at = ?1 WHERE id = ?2 AND NOT EXISTS (SELECT 1 FROM media_parts WHERE media_item_id = ?2 AND deleted_at IS NULL)", now, lost.media); err != nil {
			return err
		}
	}
	for _, found := range back {
		if _, err := change.ExecContext(ctx, "UPDATE media_parts SET deleted_at = NULL WHERE id = ?", found.id); err != nil {
			return err
		}
		if _, err := change.ExecContext(ctx, "UPDATE media_items SET deleted_at = NULL WHERE id = ?", found.media); err != nil {
			return err
		}
	}
	return nil
}

// emptyTrash deletes what is marked: media, parts, streams, and then every item left without media or children. Watch state stays, as it is keyed on guids.
func (s *server) emptyTrash(ctx context.Context, section int64) error {
	const trash = "SELECT id FROM media_items WHERE library_section_id = ?1 AND deleted_at IS NOT NULL"
	return s.inTransaction(ctx, func(change *sql.Tx) error {
		var items int64
		if err := change.QueryRowContext(ctx, "SELECT count(*) FROM ("+trash+")", section).Scan(&items); err != nil || items == 0 {
			return err
		}
		// Only items that lose media now may go: a section holds items that never had any, such as collections.
		if _, err := change.ExecContext(ctx, "CREATE TEMP TABLE IF NOT EXISTS bereaved(id INTEGER PRIMARY KEY); DELETE FROM bereaved"); err != nil {
			return err
		}
		statements := []string{
			"INSERT OR IGNORE INTO bereaved SELECT metadata_item_id FROM media_items WHERE metadata_item_id IS NOT NULL AND library_section_id = ?1 AND deleted_at IS NOT NULL",
			"DELETE FROM media_streams WHERE media_item_id IN (" + trash + ")",
			"DELETE FROM media_parts WHERE media_item_id IN (" + trash + ")",
			"DELETE FROM media_items WHERE library_section_id = ?1 AND deleted_at IS NOT NULL",
		}
		for _, statement := range statements {
			if _, err := change.ExecContext(ctx, statement, section); err != nil {
				return fmt.Errorf("Cannot empty the trash: %w", err)
			}
		}
		return deleteBereaved(ctx, change)
	})
}

// deleteBereaved deletes the listed items that have no media left, then their parents (seasons, shows, albums, artists) that have no children left.
func deleteBereaved(ctx context.Context, change *sql.Tx) error {
	const childless = "FROM bereaved WHERE NOT EXISTS (SELECT 1 FROM media_items WHERE metadata_item_id = bereaved.id) AND NOT EXISTS (SELECT 1 FROM metadata_items child WHERE child.parent_id = bereaved.id)"
	for {
		var count int64
		if err := change.QueryRowContext(ctx, "SELECT count(*) "+childless).Scan(&count); err != nil || count == 0 {
			return err
		}
		statements := []string{
			"CREATE TEMP TABLE IF NOT EXISTS leaving(id INTEGER PRIMARY KEY); DELETE FROM leaving",
			"INSERT INTO leaving SELECT id " + childless,
			"DELETE FROM bereaved",
			"INSERT OR IGNORE INTO bereaved SELECT parent_id FROM metadata_items WHERE parent_id IS NOT NULL AND id IN (SELECT id FROM leaving)",
			"DELETE FROM taggings WHERE metadata_item_id IN (SELECT id FROM leaving)",
			"DELETE FROM metadata_relations WHERE metadata_item_id IN (SELECT id FROM leaving)",
			"DELETE FROM play_queue_generators WHERE metadata_item_id IN (SELECT id FROM leaving)",
			"DELETE FROM metadata_items WHERE id IN (SELECT id FROM leaving)",
		}
		for _, statement := range statements {
			if _, err := change.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("Cannot empty the trash: %w", err)
			}
		}
	}
}

func (s *server) recordScan(ctx context.Context, section int64) error {
	now := time.Now().Unix()
	if _, err := s.library.ExecContext(ctx, "UPDATE library_sections SET scanned_at = ? WHERE id = ?", now, section); err != nil {
		return err
	}
	_, err := s.library.ExecContext(ctx, "UPDATE section_locations SET scanned_at = ? WHERE library_section_id = ?", now, section)
	return err
}

func (s *server) inTransaction(ctx context.Context, change func(*sql.Tx) error) error {
	transaction, err := s.library.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := change(transaction); err != nil {
		return errors.Join(err, transaction.Rollback())
	}
	return transaction.Commit()
}
