package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"sync"
	"time"
)

// A load is a sequence of transactions of which each depends on its number alone, so that whoever finds a database can compute what must
// be in it. test/bed/load/loadModel.ts says the same in its own words; the two are kept apart on purpose.

// loadBase is added to every id of the load's own rows: no library comes so far.
const loadBase = 10_000_000

// loadWindow is how many items of the load exist at a time: the one before that is deleted.
const loadWindow = 200

// loadSettings is how many rows of watch state the load goes round and round.
const loadSettings = 97

const loadPreference = "standinLoad"

// load writes to one database; its commits are counted, and each is timed from BEGIN to the end of COMMIT.
type load struct {
	database *sql.DB
	path     string
	write    func(context.Context, *sql.Tx, int64) error

	mutex      sync.Mutex
	commits    int64
	longest    time.Duration
	total      time.Duration
	measured   int64
	largestLog int64
}

// loadProgress is what a load tells of itself; the times are those since it was last asked.
type loadProgress struct {
	Commits         int64 `json:"commits"`
	Measured        int64 `json:"measured"`
	LongestMicros   int64 `json:"longestMicros"`
	TotalMicros     int64 `json:"totalMicros"`
	LargestLogBytes int64 `json:"largestLogBytes"`
}

// run goes on where the database was left, so many times a second, until ctx ends.
func (l *load) run(ctx context.Context, perSecond int) error {
	var last int64
	if err := l.database.QueryRowContext(ctx, "SELECT coalesce(max(CAST(value AS INTEGER)), 0) FROM preferences WHERE name = ?", loadPreference).Scan(&last); err != nil {
		return fmt.Errorf("Cannot go on with the load: %w", err)
	}
	l.mutex.Lock()
	l.commits = last
	l.mutex.Unlock()
	interval := time.Second / time.Duration(perSecond)
	for next := time.Now(); ; next = next.Add(interval) {
		if wait := time.Until(next); wait > 0 && !pause(ctx, wait) || ctx.Err() != nil {
			return nil
		}
		if err := l.commit(last + 1); err != nil {
			return fmt.Errorf("Cannot write transaction %d of the load: %w", last+1, err)
		}
		last++
	}
}

// commit is not cut short by the end of the load: a transaction is written whole or, by a kill, not at all.
func (l *load) commit(number int64) error {
	ctx := context.Background()
	began := time.Now()
	transaction, err := l.database.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := l.write(ctx, transaction, number); err != nil {
		_ = transaction.Rollback()
		return err
	}
	if err := transaction.Commit(); err != nil {
		return err
	}
	took := time.Since(began)
	var logBytes int64
	if facts, err := os.Stat(l.path + "-wal"); err == nil {
		logBytes = facts.Size()
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.commits = number
	l.measured++
	l.total += took
	l.longest = max(l.longest, took)
	l.largestLog = max(l.largestLog, logBytes)
	return nil
}

func (l *load) progress() loadProgress {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	result := loadProgress{l.commits, l.measured, l.longest.Microseconds(), l.total.Microseconds(), l.largestLog}
	l.measured, l.longest, l.total, l.largestLog = 0, 0, 0, 0
	return result
}

type loadStatement struct {
	sql    string
	values []any
}

func executeAll(ctx context.Context, transaction *sql.Tx, statements []loadStatement) error {
	for _, statement := range statements {
		if _, err := transaction.ExecContext(ctx, statement.sql, statement.values...); err != nil {
			return fmt.Errorf("%s: %w", statement.sql, err)
		}
	}
	return nil
}

// loadEarlier is the item that a transaction changes once more; none where it is not positive.
func loadEarlier(number int64) int64 {
	return number - 1 - number*7%100
}

// writeLibraryLoad is what a scan and a household do at once: an item comes with its file, one was watched, one is named anew, one goes.
func writeLibraryLoad(ctx context.Context, transaction *sql.Tx, number int64) error {
	id, gone := loadBase+number, loadBase+number-loadWindow
	title, guid := fmt.Sprintf("Load %d", number), fmt.Sprintf("load://%d", number)
	setting := number % loadSettings
	statements := []loadStatement{
		{`INSERT INTO metadata_items(id, library_section_id, metadata_type, guid, title, title_sort, original_title, "index", added_at, updated_at, changed_at) VALUES(?, 1, 1, ?, ?, ?, '', ?, ?, ?, ?)`, []any{id, guid, title, title, number, number, number, number}},
		{"INSERT INTO media_items(id, library_section_id, section_location_id, metadata_item_id, size, duration, updated_at) VALUES(?, 1, 1, ?, ?, ?, ?)", []any{id, id, number * 1000, number, number}},
		{"INSERT INTO media_parts(id, media_item_id, file, size, updated_at, extra_data) VALUES(?, ?, ?, ?, ?, ?)", []any{id, id, fmt.Sprintf("/mnt/nas-plex/Load/%d.mkv", number), number * 1000, number, fmt.Sprintf("%0*d", 1+number%40*50, number)}},
		{"INSERT INTO metadata_item_views(id, account_id, guid, metadata_type, title, viewed_at) VALUES(?, 1, ?, 1, ?, ?)", []any{id, guid, title, number}},
		{"INSERT INTO metadata_item_settings(id, account_id, guid, view_offset, view_count, last_viewed_at, changed_at) VALUES(?, 1, ?, ?, 1, ?, 1) ON CONFLICT(id) DO UPDATE SET view_offset = excluded.view_offset, view_count = view_count + 1, last_viewed_at = excluded.last_viewed_at, changed_at = changed_at + 1",
			[]any{loadBase + setting, fmt.Sprintf("load://setting/%d", setting), number * 1000, number}},
		{"DELETE FROM metadata_item_views WHERE id = ?", []any{gone}},
		{"DELETE FROM media_parts WHERE id = ?", []any{gone}},
		{"DELETE FROM media_items WHERE id = ?", []any{gone}},
		{"DELETE FROM metadata_items WHERE id = ?", []any{gone}},
	}
	if earlier := loadEarlier(number); earlier > 0 {
		statements = append(statements,
			loadStatement{"UPDATE metadata_items SET title = ?, updated_at = ?, changed_at = changed_at + 1 WHERE id = ?", []any{fmt.Sprintf("Load %d seen %d", earlier, number), number, loadBase + earlier}},
			loadStatement{"UPDATE media_items SET updated_at = ? WHERE id = ?", []any{number, loadBase + earlier}},
		)
	}
	return executeAll(ctx, transaction, append(statements, loadMark(number)))
}

// writeBlobsLoad is what the analysis of media does: a blob comes, one is classed anew, one goes.
func writeBlobsLoad(ctx context.Context, transaction *sql.Tx, number int64) error {
	statements := []loadStatement{
		{`INSERT INTO blobs(id, "blob", linked_type, linked_id, created_at, blob_type) VALUES(?, ?, 'media_part', ?, ?, 5)`, []any{loadBase + number, loadBytes(number), loadBase + number, number}},
		{"DELETE FROM blobs WHERE id = ?", []any{loadBase + number - loadWindow}},
	}
	if earlier := loadEarlier(number); earlier > 0 {
		statements = append(statements, loadStatement{"UPDATE blobs SET blob_type = 8, created_at = ? WHERE id = ?", []any{number, loadBase + earlier}})
	}
	return executeAll(ctx, transaction, append(statements, loadMark(number)))
}

func loadMark(number int64) loadStatement {
	return loadStatement{"INSERT INTO preferences(id, name, value) VALUES(?, ?, ?) ON CONFLICT(id) DO UPDATE SET value = excluded.value", []any{loadBase, loadPreference, fmt.Sprint(number)}}
}

func loadBytes(number int64) []byte {
	bytes := make([]byte, 200+number*37%5000)
	for index := range bytes {
		bytes[index] = byte(number*31 + int64(index)*7 + int64(index)>>8)
	}
	return bytes
}
