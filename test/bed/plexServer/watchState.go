package main

import (
	"context"
	"fmt"
	"time"
)

// owner is the account whose state the HTTP calls show: the one the server's own token belongs to.
const owner = 1

// ensureWatchState makes sure that the owner has a row of state for the item's guid, which is what state is keyed on.
func (s *server) ensureWatchState(ctx context.Context, item int64) (guid string, err error) {
	if err := s.library.QueryRowContext(ctx, "SELECT guid FROM metadata_items WHERE id = ?", item).Scan(&guid); err != nil {
		return "", fmt.Errorf("Cannot find item %d: %w", item, err)
	}
	now := time.Now().Unix()
	_, err = s.library.ExecContext(ctx, "INSERT INTO metadata_item_settings(account_id, guid, view_count, created_at, updated_at) SELECT ?1, ?2, 0, ?3, ?3 WHERE NOT EXISTS (SELECT 1 FROM metadata_item_settings WHERE account_id = ?1 AND guid = ?2)", owner, guid, now)
	return guid, err
}

// recordProgress sets the owner's resume point, in milliseconds.
func (s *server) recordProgress(ctx context.Context, item int64, offsetMs int64) error {
	guid, err := s.ensureWatchState(ctx, item)
	if err != nil {
		return err
	}
	now := time.Now().Unix()
	_, err = s.library.ExecContext(ctx, "UPDATE metadata_item_settings SET view_offset = ?, last_viewed_at = ?, updated_at = ?, changed_at = changed_at + 1 WHERE account_id = ? AND guid = ?", offsetMs, now, now, owner, guid)
	return err
}

// recordView counts one complete view by the owner and adds it to the history.
func (s *server) recordView(ctx context.Context, item int64) error {
	guid, err := s.ensureWatchState(ctx, item)
	if err != nil {
		return err
	}
	now := time.Now().Unix()
	if _, err := s.library.ExecContext(ctx, "UPDATE metadata_item_settings SET view_count = coalesce(view_count, 0) + 1, view_offset = NULL, last_viewed_at = ?, updated_at = ?, changed_at = changed_at + 1 WHERE account_id = ? AND guid = ?", now, now, owner, guid); err != nil {
		return err
	}
	_, err = s.library.ExecContext(ctx, `INSERT INTO metadata_item_views(account_id, guid, metadata_type, library_section_id, grandparent_title, parent_index, parent_title, "index", title, thumb_url, viewed_at, grandparent_guid, originally_available_at, device_id)
		SELECT ?1, item.guid, item.metadata_type, item.library_section_id, coalesce(grandparent.title, ''), parent."index", coalesce(parent.title, ''), item."index", item.title, item.user_thumb_url, ?2, coalesce(grandparent.guid, ''), item.originally_available_at, 1
		FROM metadata_items item LEFT JOIN metadata_items parent ON parent.id = item.parent_id LEFT JOIN metadata_items grandparent ON grandparent.id = parent.parent_id WHERE item.id = ?3`, owner, now, item)
	return err
}

// forgetViews marks the item as not watched by the owner.
func (s *server) forgetViews(ctx context.Context, item int64) error {
	guid, err := s.ensureWatchState(ctx, item)
	if err != nil {
		return err
	}
	_, err = s.library.ExecContext(ctx, "UPDATE metadata_item_settings SET view_count = 0, view_offset = NULL, updated_at = ?, changed_at = changed_at + 1 WHERE account_id = ? AND guid = ?", time.Now().Unix(), owner, guid)
	return err
}
