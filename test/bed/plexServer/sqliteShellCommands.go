package main

/*
#include <sqlite3.h>
#include <stdlib.h>
*/
import "C"

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"unsafe"
)

// executeDotCommand runs one command such as .backup FILE; quit is true for .quit and .exit.
func (shell *sqliteShell) executeDotCommand(command string) (quit bool, err error) {
	words, err := splitWords(strings.TrimSpace(command))
	if err != nil {
		return false, err
	}
	rest := words[1:]
	switch words[0] {
	case ".quit", ".exit":
		return true, nil
	case ".backup", ".save":
		if len(rest) == 2 {
			return false, shell.backUp(rest[0], rest[1])
		}
		if len(rest) == 1 {
			return false, shell.backUp("main", rest[0])
		}
		return false, fmt.Errorf("usage: .backup [DATABASE] FILE")
	case ".mode":
		if len(rest) == 1 && (rest[0] == "json" || rest[0] == "list") {
			shell.json = rest[0] == "json"
			return false, nil
		}
		return false, fmt.Errorf("mode should be one of: json list")
	case ".headers", ".header":
		shell.headers = len(rest) == 1 && rest[0] == "on"
		return false, nil
	case ".timeout":
		if len(rest) == 1 {
			if milliseconds, err := strconv.Atoi(rest[0]); err == nil {
				C.sqlite3_busy_timeout(shell.database, C.int(milliseconds))
				return false, nil
			}
		}
		return false, fmt.Errorf("usage: .timeout MILLISECONDS")
	case ".read":
		if len(rest) != 1 {
			return false, fmt.Errorf("usage: .read FILE")
		}
		file, err := os.Open(rest[0])
		if err != nil {
			return false, fmt.Errorf("cannot open %q: %w", rest[0], err)
		}
		defer file.Close()
		if shell.readFrom(file, true) != 0 {
			return false, fmt.Errorf("%q ended with an error", rest[0])
		}
		return false, nil
	case ".tables":
		return false, shell.executeSql("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
	case ".schema":
		return false, shell.executeSql("SELECT sql || ';' FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")
	}
	return false, fmt.Errorf("unknown command or invalid arguments: %q", words[0])
}

func (shell *sqliteShell) backUp(schema string, file string) error {
	var target *C.sqlite3
	name, from, into := C.CString(file), C.CString(schema), C.CString("main")
	defer C.free(unsafe.Pointer(name))
	defer C.free(unsafe.Pointer(from))
	defer C.free(unsafe.Pointer(into))
	defer func() { C.sqlite3_close_v2(target) }()
	if C.sqlite3_open(name, &target) != C.SQLITE_OK {
		return fmt.Errorf("cannot open %q", file)
	}
	backup := C.sqlite3_backup_init(target, into, shell.database, from)
	if backup == nil {
		return fmt.Errorf("cannot back up into %q: %s", file, C.GoString(C.sqlite3_errmsg(target)))
	}
	stepped := C.sqlite3_backup_step(backup, -1)
	finished := C.sqlite3_backup_finish(backup)
	if stepped != C.SQLITE_DONE || finished != C.SQLITE_OK {
		return fmt.Errorf("cannot back up into %q: %s", file, C.GoString(C.sqlite3_errstr(stepped)))
	}
	return nil
}

// backUpDatabase copies a database that may be in use into a file, with its WAL's content.
func backUpDatabase(from string, to string) error {
	source := &sqliteShell{}
	if err := source.open(from, true); err != nil {
		return err
	}
	defer func() { C.sqlite3_close_v2(source.database) }()
	return source.backUp("main", to)
}

// splitWords splits at blanks outside single or double quotes.
func splitWords(text string) ([]string, error) {
	var words []string
	var word strings.Builder
	quote, inside := rune(0), false
	for _, letter := range text {
		switch {
		case quote != 0 && letter == quote:
			quote = 0
		case quote == 0 && (letter == '\'' || letter == '"'):
			quote, inside = letter, true
		case quote == 0 && (letter == ' ' || letter == '\t'):
			if inside {
				words = append(words, word.String())
				word.Reset()
				inside = false
			}
		default:
			word.WriteRune(letter)
			inside = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("unterminated quote in %q", text)
	}
	if inside {
		words = append(words, word.String())
	}
	return words, nil
}
