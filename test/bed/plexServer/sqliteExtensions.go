package main

/*
#cgo LDFLAGS: -lsqlite3 -lm
int register_plex_extensions(void);
*/
import "C"

import "fmt"

// registerSqliteExtensions makes every connection opened later in this process know Plex's collations, tokenizer and module.
func registerSqliteExtensions() error {
	if code := C.register_plex_extensions(); code != 0 {
		return fmt.Errorf("Cannot register Plex's SQLite extensions: SQLite answered %d", int(code))
	}
	return nil
}
