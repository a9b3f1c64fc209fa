package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// scanQueue scans one library section after the other, as Plex does.
type scanQueue struct {
	server  *server
	mutex   sync.Mutex
	waiting []int64
	running int64
	cancel  context.CancelFunc
	wake    chan struct{}
}

func newScanQueue(s *server) *scanQueue {
	return &scanQueue{server: s, wake: make(chan struct{}, 1)}
}

// request queues a scan unless the section already waits.
func (q *scanQueue) request(section int64) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	for _, waiting := range q.waiting {
		if waiting == section {
			return
		}
	}
	q.waiting = append(q.waiting, section)
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// cancelScans drops the section's waiting scan and ends its running one; section 0 means every section.
func (q *scanQueue) cancelScans(section int64) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	var kept []int64
	for _, waiting := range q.waiting {
		if section != 0 && waiting != section {
			kept = append(kept, waiting)
		}
	}
	q.waiting = kept
	if q.cancel != nil && (section == 0 || section == q.running) {
		q.cancel()
	}
}

// isRefreshing tells whether the section is being scanned or waits for it.
func (q *scanQueue) isRefreshing(section int64) bool {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if q.running == section {
		return true
	}
	for _, waiting := range q.waiting {
		if waiting == section {
			return true
		}
	}
	return false
}

func (q *scanQueue) take(ctx context.Context) (context.Context, int64) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if len(q.waiting) == 0 {
		return nil, 0
	}
	q.running = q.waiting[0]
	q.waiting = q.waiting[1:]
	var scan context.Context
	scan, q.cancel = context.WithCancel(ctx)
	return scan, q.running
}

func (q *scanQueue) finish() {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.cancel()
	q.cancel, q.running = nil, 0
}

func (q *scanQueue) run(ctx context.Context) error {
	for {
		scan, section := q.take(ctx)
		if section == 0 {
			select {
			case <-ctx.Done():
				return nil
			case <-q.wake:
			}
			continue
		}
		err := q.server.scanSection(scan, section)
		cancelled := scan.Err() != nil
		q.finish()
		switch {
		case cancelled:
			q.server.log.info("Scan of section %d cancelled", section)
		case err != nil:
			q.server.log.failure("Scan of section %d failed: %v", section, err)
		}
	}
}

// updateLibraries scans every section shortly after the start when the settings ask for automatic updates, and then at the chosen interval.
func (s *server) updateLibraries(ctx context.Context) error {
	if !pause(ctx, s.env.scanDelay) {
		return nil
	}
	if s.preferences.isOn("FSEventLibraryUpdatesEnabled") || s.preferences.isOn("ScheduledLibraryUpdatesEnabled") {
		if err := s.requestAllScans(ctx); err != nil {
			return err
		}
	}
	last := time.Now()
	for pause(ctx, time.Second) {
		var interval int
		if _, err := fmt.Sscan(s.preferences.get("ScheduledLibraryUpdateInterval"), &interval); err != nil || interval <= 0 {
			interval = 3600
		}
		if s.preferences.isOn("ScheduledLibraryUpdatesEnabled") && time.Since(last) >= time.Duration(interval)*time.Second {
			last = time.Now()
			if err := s.requestAllScans(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *server) requestAllScans(ctx context.Context) error {
	sections, err := s.numbers(ctx, "SELECT id FROM library_sections ORDER BY id")
	for _, section := range sections {
		s.scans.request(section)
	}
	return err
}

// numbers runs a query whose only column is a whole number.
func (s *server) numbers(ctx context.Context, query string, values ...any) ([]int64, error) {
	rows, err := s.library.QueryContext(ctx, query, values...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var result []int64
	for rows.Next() {
		var number int64
		if err := rows.Scan(&number); err != nil {
			return nil, err
		}
		result = append(result, number)
	}
	return result, rows.Err()
}
