package main

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"regexp"
	"strings"
)

// The schema files are laid beside the sources by the build; they are those the make-believe library is made from.
//
//go:embed schema/*.sql
var schemaFiles embed.FS

var (
	contentless   = regexp.MustCompile(`USING fts4\((title|tag),?`)
	triggerLimits = regexp.MustCompile(` OF [a-z_, ]+ ON | WHEN (?:old|new)\.tag_type in \([0-9,]+\)`)
)

// schemaText returns one of the schema's parts as the given server version writes it.
func schemaText(part string, serverVersion string) (string, error) {
	raw, err := schemaFiles.ReadFile("schema/" + part + ".sql")
	if err != nil {
		return "", fmt.Errorf("Cannot read the built-in schema: %w", err)
	}
	text := string(raw)
	if hasOwnContentSearch(serverVersion) {
		return text, nil
	}
	switch part {
	case "virtualTables":
		text = contentless.ReplaceAllStringFunc(text, func(match string) string {
			table := "metadata_items"
			if strings.Contains(match, "(tag") {
				table = "tags"
			}
			return strings.Replace(match, "fts4(", "fts4(content='"+table+"', ", 1)
		})
	case "triggers":
		text = triggerLimits.ReplaceAllStringFunc(text, func(match string) string {
			if strings.HasPrefix(match, " OF ") {
				return " ON "
			}
			return ""
		})
	}
	return text, nil
}

// createSchema fills an empty database file with Plex's schema and marks it with the newest migration this server knows.
func createSchema(ctx context.Context, connection *sql.Conn) error {
	if _, err := connection.ExecContext(ctx, "PRAGMA page_size=1024"); err != nil {
		return err
	}
	if _, err := connection.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for _, part := range []string{"tables", "vocabulary", "virtualTables", "triggers", "indexes", "icuIndex"} {
		text, err := schemaText(part, version)
		if err != nil {
			return err
		}
		if _, err := connection.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("Cannot create the schema's %s: %w", part, err)
		}
	}
	if _, err := connection.ExecContext(ctx, "INSERT INTO schema_migrations(version) VALUES (?)", latestMigration(version)); err != nil {
		return err
	}
	_, err := connection.ExecContext(ctx, "COMMIT")
	return err
}

// refuseNewer returns an error when the database was written by a server newer than this one.
func refuseNewer(ctx context.Context, connection *sql.Conn, file string) error {
	rows, err := connection.QueryContext(ctx, "SELECT version, coalesce(min_version, '') FROM schema_migrations")
	if err != nil {
		return fmt.Errorf("Unable to set up server: %q: %w (sqlite3_statement_backend::prepare)", file, err)
	}
	defer rows.Close()
	known := latestMigration(version)
	for rows.Next() {
		var migration, minimum string
		if err := rows.Scan(&migration, &minimum); err != nil {
			return err
		}
		// Early migrations are plain numbers; only full time stamps can be compared with one.
		if len(migration) == len(known) && migration > known {
			return fmt.Errorf("Unable to set up server: %q holds migration %q, this server (%s) knows none after %q (sqlite3_statement_backend::loadOne)", file, migration, version, known)
		}
		if minimum == "" {
			continue
		}
		if len(minimum) == len(known) && !strings.Contains(minimum, ".") {
			if minimum > known {
				return fmt.Errorf("Unable to set up server: %q wants migration %q, this server (%s) knows none after %q", file, minimum, version, known)
			}
		} else if compareVersions(minimum, version) > 0 {
			return fmt.Errorf("Unable to set up server: %q wants server %q or later, this one is %q", file, minimum, version)
		}
	}
	return rows.Err()
}

// migrate brings an older database up to this version: search tables in this version's form, and the mark of its newest migration.
func migrate(ctx context.Context, connection *sql.Conn, log *serverLog) error {
	var search string
	err := connection.QueryRowContext(ctx, "SELECT sql FROM sqlite_master WHERE name = 'fts4_metadata_titles_icu'").Scan(&search)
	if err != nil {
		return fmt.Errorf("Unable to set up server: the search tables are those of no server this one knows: %w", err)
	}
	var marked int
	if err := connection.QueryRowContext(ctx, "SELECT count(*) FROM schema_migrations WHERE version = ?", latestMigration(version)).Scan(&marked); err != nil {
		return err
	}
	rebuild := hasOwnContentSearch(version) && strings.Contains(search, "content=")
	if !rebuild && marked > 0 {
		return nil
	}
	if _, err := connection.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if rebuild {
		log.info("Rebuilding the search tables, which an older server wrote")
		if err := rebuildSearch(ctx, connection); err != nil {
			return err
		}
	}
	if marked == 0 {
		if _, err := connection.ExecContext(ctx, "INSERT INTO schema_migrations(version) VALUES (?)", latestMigration(version)); err != nil {
			return err
		}
	}
	_, err = connection.ExecContext(ctx, "COMMIT")
	return err
}

var searchTables = regexp.MustCompile(`(?m)^CREATE VIRTUAL TABLE fts4_.*$`)

func rebuildSearch(ctx context.Context, connection *sql.Conn) error {
	virtual, err := schemaText("virtualTables", version)
	if err != nil {
		return err
	}
	triggers, err := schemaText("triggers", version)
	if err != nil {
		return err
	}
	var statements []string
	for _, kind := range []string{"metadata", "tag"} {
		for _, moment := range []string{"before_update", "before_delete", "after_update", "after_insert"} {
			statements = append(statements, fmt.Sprintf("DROP TRIGGER IF EXISTS fts4_%s_titles_%s_icu", kind, moment))
		}
		statements = append(statements, fmt.Sprintf("DROP TABLE fts4_%s_titles", kind), fmt.Sprintf("DROP TABLE fts4_%s_titles_icu", kind))
	}
	statements = append(statements, searchTables.FindAllString(virtual, -1)...)
	statements = append(statements, triggers,
		"INSERT INTO fts4_metadata_titles_icu(docid, title, title_sort, original_title) SELECT id, title, title_sort, original_title FROM metadata_items",
		"INSERT INTO fts4_tag_titles_icu(docid, tag) SELECT id, tag FROM tags WHERE tag_type IN (0,1,2,4,6,207,400)")
	for _, statement := range statements {
		if _, err := connection.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("Cannot rebuild the search tables: %w", err)
		}
	}
	return nil
}
