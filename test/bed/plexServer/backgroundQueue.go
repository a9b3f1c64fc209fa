package main

import (
	"context"
	"os"
	"time"
)

// States of an optimizer's job: from 1 on, in the order in which the HTTP API lists their names.
const (
	stateError   = 5
	statePending = 6
)

// contextSourceFileUnavailable says why a job is in error.
const contextSourceFileUnavailable = 1

var processingStates = []string{"unknown", "processed", "completed", "tombstoned", "disabled", "error", "pending"}

var processingContexts = []string{"good", "sourceFileUnavailable", "sourceFileMetadataError", "clientProfileError", "ioError", "transcoderError", "unknownError", "mediaAnalysisError", "downloadFailed", "accessDenied", "cannotTranscode", "codecInstallError"}

// runBackgroundQueue looks at the optimizer's jobs while the queue is not paused; a job whose source file is missing is put into error.
func (s *server) runBackgroundQueue(ctx context.Context) error {
	for pause(ctx, s.env.scanDelay+time.Second) {
		if s.preferences.isOn("BackgroundQueueIdlePaused") {
			continue
		}
		jobs, err := s.jobsWithoutSource(ctx)
		if err != nil {
			return err
		}
		for _, job := range jobs {
			s.log.warning("Background queue: the source file of job %d is unavailable", job)
			if _, err := s.library.ExecContext(ctx, "UPDATE versioned_metadata_items SET state = ?, state_context = ? WHERE id = ?", stateError, contextSourceFileUnavailable, job); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *server) jobsWithoutSource(ctx context.Context) ([]int64, error) {
	rows, err := s.library.QueryContext(ctx, `SELECT job.id, part.file FROM versioned_metadata_items job
		JOIN media_items media ON media.metadata_item_id = job.metadata_item_id AND coalesce(media.proxy_type, 0) <> 42
		JOIN media_parts part ON part.media_item_id = media.id AND coalesce(part.file, '') <> ''
		WHERE coalesce(job.state, ?) <> ?`, statePending, stateError)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var jobs []int64
	for rows.Next() {
		var job int64
		var file string
		if err := rows.Scan(&job, &file); err != nil {
			return nil, err
		}
		if _, err := os.Stat(file); err != nil {
			jobs = append(jobs, job)
		}
	}
	return jobs, rows.Err()
}
