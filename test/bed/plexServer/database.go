package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	_ "github.com/mattn/go-sqlite3"
)

const (
	libraryFile = "com.plexapp.plugins.library.db"
	blobsFile   = "com.plexapp.plugins.library.blobs.db"
)

// openDatabase opens, creates or migrates one database the way Plex runs it: WAL, synchronous NORMAL, foreign keys off.
func openDatabase(path string, log *serverLog) (*sql.DB, error) {
	existed, err := checkDatabaseFile(path)
	if err != nil {
		return nil, err
	}
	address := (&url.URL{Scheme: "file", Path: path}).EscapedPath()
	database, err := sql.Open("sqlite3", "file:"+address+"?_synchronous=NORMAL&_foreign_keys=off&_busy_timeout=20000&_txlock=immediate")
	if err != nil {
		return nil, fmt.Errorf("Cannot open %q: %w", path, err)
	}
	if err := prepareDatabase(database, path, existed, log); err != nil {
		return nil, errors.Join(fmt.Errorf("Cannot open %q: %w", path, err), database.Close())
	}
	return database, nil
}

func prepareDatabase(database *sql.DB, path string, existed bool, log *serverLog) error {
	ctx := context.Background()
	connection, err := database.Conn(ctx)
	if err != nil {
		return err
	}
	defer connection.Close()
	if existed {
		if err := refuseNewer(ctx, connection, filepath.Base(path)); err != nil {
			return err
		}
		var verdict string
		if err := connection.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
			return fmt.Errorf("Unable to set up server: %w", err)
		}
		if verdict != "ok" {
			return fmt.Errorf("Unable to set up server: database disk image is malformed: %s", verdict)
		}
	} else {
		log.info("No database %q, creating a fresh one", filepath.Base(path))
		if err := createSchema(ctx, connection); err != nil {
			return err
		}
	}
	var mode string
	if err := connection.QueryRowContext(ctx, "PRAGMA journal_mode=WAL").Scan(&mode); err != nil || mode != "wal" {
		return fmt.Errorf("journal mode is %q instead of WAL: %w", mode, err)
	}
	if existed {
		return migrate(ctx, connection, log)
	}
	return nil
}

// checkDatabaseFile tells whether the file exists. An empty file counts as none, as it does for SQLite.
func checkDatabaseFile(path string) (bool, error) {
	information, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("Cannot open %q: %w", path, err)
	}
	return information.Size() > 0, nil
}

// closeDatabase moves the WAL into the database and removes it with the shared-memory file.
func closeDatabase(database *sql.DB, path string) error {
	var busy, logged, moved int
	err := database.QueryRow("PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &logged, &moved)
	if err == nil && busy != 0 {
		err = fmt.Errorf("the database %q is still in use, its WAL stays", path)
	}
	return errors.Join(err, database.Close())
}
