package main

import (
	"context"
	"fmt"
	"time"
)

// statisticsInterval is short enough that a server without any user still writes during every test.
const statisticsInterval = 10 * time.Second

// writeStatistics records the start and then, again and again, the rows an idle Plex writes.
func (s *server) writeStatistics(ctx context.Context) error {
	now := time.Now().Unix()
	statements := []struct {
		sql    string
		values []any
	}{
		{"INSERT INTO devices(identifier, name, created_at, updated_at, platform) SELECT ?1, ?2, ?3, ?3, 'Linux' WHERE NOT EXISTS (SELECT 1 FROM devices WHERE identifier = ?1)",
			[]any{s.preferences.get("ProcessedMachineIdentifier"), s.preferences.friendlyName(), now}},
		{"INSERT INTO activities(type, title, subtitle, started_at, finished_at, cancelled) VALUES('server.start', 'Starting', ?, ?, ?, 0)", []any{version, now, now}},
		{"INSERT OR REPLACE INTO preferences(name, value) VALUES('standinLastStart', ?)", []any{now}},
		{"INSERT INTO accounts(id, name, created_at, updated_at) SELECT 1, 'Administrator', ?1, ?1 WHERE NOT EXISTS (SELECT 1 FROM accounts WHERE id = 1)", []any{now}},
	}
	for _, statement := range statements {
		if _, err := s.library.ExecContext(ctx, statement.sql, statement.values...); err != nil {
			return fmt.Errorf("Cannot record the start: %w", err)
		}
	}
	if _, err := s.blobs.ExecContext(ctx, "INSERT OR REPLACE INTO preferences(name, value) VALUES('standinLastStart', ?)", now); err != nil {
		return fmt.Errorf("Cannot record the start: %w", err)
	}
	for {
		now := time.Now().Unix()
		if _, err := s.library.ExecContext(ctx, "INSERT INTO statistics_resources(timespan, at, host_cpu_utilization, process_cpu_utilization, host_memory_utilization, process_memory_utilization) VALUES(6, ?, 1.5, 0.2, 40, 1)", now); err != nil {
			return err
		}
		if _, err := s.library.ExecContext(ctx, "INSERT INTO statistics_bandwidth(account_id, device_id, timespan, at, lan, bytes) VALUES(1, 1, 6, ?, 1, ?)", now, s.sessions.count()*1_000_000); err != nil {
			return err
		}
		if !pause(ctx, statisticsInterval) {
			return nil
		}
	}
}

// simulateActivity writes as a busy household does, at the rate a test asked for: resume points, history, view settings.
func (s *server) simulateActivity(ctx context.Context) error {
	for number := int64(0); ; number++ {
		rate := s.writesPerSecond.Load()
		if rate <= 0 {
			if !pause(ctx, 200*time.Millisecond) {
				return nil
			}
			continue
		}
		var id int64
		err := s.library.QueryRowContext(ctx, "SELECT coalesce((SELECT id FROM metadata_items WHERE metadata_type IN (1, 4) ORDER BY id LIMIT 1 OFFSET ?1 % max(1, (SELECT count(*) FROM metadata_items WHERE metadata_type IN (1, 4)))), 0)", number).Scan(&id)
		if err == nil && id != 0 {
			err = s.recordProgress(ctx, id, number%5000*1000+1)
		}
		if err == nil && id != 0 && number%4 == 0 {
			err = s.recordView(ctx, id)
		}
		if err == nil {
			_, err = s.library.ExecContext(ctx, "INSERT INTO view_settings(account_id, client_type, view_group, view_id, created_at, updated_at) VALUES(1, 'stand-in', 'movie', ?, ?2, ?2)", number, time.Now().Unix())
		}
		if err != nil {
			return err
		}
		if !pause(ctx, time.Second/time.Duration(rate)) {
			return nil
		}
	}
}
