package main

/*
#include <sqlite3.h>
#include <stdlib.h>
*/
import "C"

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unsafe"
)

// sqliteShell is "Plex SQLite": the part of the sqlite3 command line that scripts use, on a connection with Plex's extensions.
type sqliteShell struct {
	database *C.sqlite3
	output   *bufio.Writer
	errors   io.Writer
	json     bool
	headers  bool
	failed   bool
}

const shellUsage = `Usage: Plex SQLite [-readonly] [-json] [-header] [-bail] FILE [SQL...]`

// runSqliteShell runs the shell with the arguments after the program's name and returns its exit code.
func runSqliteShell(arguments []string) int {
	shell := &sqliteShell{output: bufio.NewWriter(os.Stdout), errors: os.Stderr}
	defer shell.output.Flush()
	readOnly, bail := false, false
	var commands, positional []string
	for index := 0; index < len(arguments); index++ {
		argument := arguments[index]
		if !strings.HasPrefix(argument, "-") || argument == "-" {
			positional = append(positional, argument)
			continue
		}
		switch strings.TrimLeft(argument, "-") {
		case "readonly":
			readOnly = true
		case "json":
			shell.json = true
		case "header", "headers":
			shell.headers = true
		case "noheader", "list", "batch":
		case "bail":
			bail = true
		case "cmd":
			if index++; index < len(arguments) {
				commands = append(commands, arguments[index])
			}
		case "version":
			fmt.Fprintf(shell.output, "%s (Plex Media Server %s)\n", C.GoString(C.sqlite3_libversion()), version)
			return 0
		default:
			fmt.Fprintf(os.Stderr, "Plex SQLite: Error: unknown option: %s\n%s\n", argument, shellUsage)
			return 1
		}
	}
	file := ":memory:"
	if len(positional) > 0 {
		file = positional[0]
		commands = append(commands, positional[1:]...)
	}
	if err := shell.open(file, readOnly); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { C.sqlite3_close_v2(shell.database) }()
	if len(positional) > 1 || len(commands) > 0 {
		for _, command := range commands {
			if quit, err := shell.execute(command); err != nil {
				fmt.Fprintln(shell.errors, "Error: "+err.Error())
				return 1
			} else if quit {
				break
			}
		}
		if len(positional) > 1 {
			return 0
		}
	}
	return shell.readFrom(os.Stdin, bail)
}

func (shell *sqliteShell) open(file string, readOnly bool) error {
	flags := C.int(C.SQLITE_OPEN_READWRITE | C.SQLITE_OPEN_CREATE | C.SQLITE_OPEN_URI)
	if readOnly {
		flags = C.SQLITE_OPEN_READONLY | C.SQLITE_OPEN_URI
	}
	name := C.CString(file)
	defer C.free(unsafe.Pointer(name))
	if code := C.sqlite3_open_v2(name, &shell.database, flags, nil); code != C.SQLITE_OK {
		return fmt.Errorf("Error: unable to open database %q: %s", file, C.GoString(C.sqlite3_errmsg(shell.database)))
	}
	return nil
}

// readFrom executes a script line by line. Like sqlite3 it goes on after an error unless asked to bail, and remembers it in the exit code.
func (shell *sqliteShell) readFrom(input io.Reader, bail bool) int {
	reader := bufio.NewReader(input)
	pending, line := "", 0
	exit := 0
	for {
		text, readError := reader.ReadString('\n')
		line++
		if readError == nil || text != "" {
			if pending == "" && strings.HasPrefix(text, ".") {
				pending = strings.TrimSpace(text)
			} else if strings.TrimSpace(text) != "" || pending != "" {
				pending += text
			}
			if strings.HasPrefix(pending, ".") || isComplete(pending) || (readError != nil && strings.TrimSpace(pending) != "") {
				quit, err := shell.execute(pending)
				pending = ""
				if err != nil {
					fmt.Fprintf(shell.errors, "Error near line %d: %s\n", line, err)
					exit = 1
				}
				if quit || (err != nil && bail) {
					return exit
				}
			}
		}
		if readError != nil {
			if strings.TrimSpace(pending) != "" {
				if _, err := shell.execute(pending); err != nil {
					fmt.Fprintf(shell.errors, "Error near line %d: %s\n", line, err)
					exit = 1
				}
			}
			return exit
		}
	}
}

func isComplete(sql string) bool {
	if strings.TrimSpace(sql) == "" {
		return false
	}
	text := C.CString(sql)
	defer C.free(unsafe.Pointer(text))
	return C.sqlite3_complete(text) != 0
}

func (shell *sqliteShell) execute(command string) (quit bool, err error) {
	defer shell.output.Flush()
	if strings.HasPrefix(command, ".") {
		return shell.executeDotCommand(command)
	}
	return false, shell.executeSql(command)
}

func (shell *sqliteShell) lastError(action string) error {
	return fmt.Errorf("%s, %s (%d)", action, C.GoString(C.sqlite3_errmsg(shell.database)), int(C.sqlite3_errcode(shell.database)))
}

func (shell *sqliteShell) executeSql(sql string) error {
	text := C.CString(sql)
	defer C.free(unsafe.Pointer(text))
	for rest := text; *rest != 0; {
		var statement *C.sqlite3_stmt
		if C.sqlite3_prepare_v2(shell.database, rest, -1, &statement, &rest) != C.SQLITE_OK {
			return shell.lastError("in prepare")
		}
		if statement == nil {
			continue
		}
		err := shell.printRows(statement)
		C.sqlite3_finalize(statement)
		if err != nil {
			return err
		}
	}
	return nil
}

func (shell *sqliteShell) printRows(statement *C.sqlite3_stmt) error {
	columns := int(C.sqlite3_column_count(statement))
	names := make([]string, columns)
	for index := range names {
		names[index] = C.GoString(C.sqlite3_column_name(statement, C.int(index)))
	}
	// Plex's SQLite (3.53) lets search tables speak for themselves here; the one this is built with may be older and does not.
	var search []string
	if columns == 1 && names[0] == "integrity_check" && !shell.json {
		search = shell.searchTableFaults()
	}
	for count := 0; ; count++ {
		switch C.sqlite3_step(statement) {
		case C.SQLITE_ROW:
			if len(search) > 0 && columnText(statement, 0) == "ok" {
				for _, fault := range search {
					fmt.Fprintln(shell.output, fault)
				}
				search = nil
				continue
			}
			if shell.json {
				fmt.Fprint(shell.output, map[bool]string{true: "[", false: ",\n"}[count == 0])
				if err := shell.printJsonRow(statement, names); err != nil {
					return err
				}
				continue
			}
			if shell.headers && count == 0 {
				fmt.Fprintln(shell.output, strings.Join(names, "|"))
			}
			values := make([]string, columns)
			for index := range values {
				values[index] = columnText(statement, index)
			}
			fmt.Fprintln(shell.output, strings.Join(values, "|"))
		case C.SQLITE_DONE:
			for _, fault := range search {
				fmt.Fprintln(shell.output, fault)
			}
			if shell.json && count > 0 {
				fmt.Fprintln(shell.output, "]")
			}
			return nil
		default:
			return shell.lastError("stepping")
		}
	}
}

// searchTableFaults asks each search table with Plex's tokenizer to check its index, and gives back what SQLite since 3.44 adds to its integrity check.
func (shell *sqliteShell) searchTableFaults() []string {
	var faults []string
	for _, table := range []string{"fts4_metadata_titles_icu", "fts4_tag_titles_icu"} {
		text := C.CString("INSERT INTO " + table + "(" + table + ") VALUES('integrity-check')")
		code := C.sqlite3_exec(shell.database, text, nil, nil, nil)
		missing := strings.HasPrefix(C.GoString(C.sqlite3_errmsg(shell.database)), "no such table")
		C.free(unsafe.Pointer(text))
		switch {
		// To this SQLite the question is a write, which a connection that only reads may not put.
		case code == C.SQLITE_OK || missing || code&0xff == C.SQLITE_READONLY:
		case code == C.SQLITE_CORRUPT:
			faults = append(faults, "malformed inverted index for FTS4 table main."+table)
		default:
			faults = append(faults, "unable to validate the inverted index for FTS4 table main."+table+": "+C.GoString(C.sqlite3_errstr(code)))
		}
	}
	return faults
}

func columnText(statement *C.sqlite3_stmt, index int) string {
	text := C.sqlite3_column_text(statement, C.int(index))
	if text == nil {
		return ""
	}
	return C.GoStringN((*C.char)(unsafe.Pointer(text)), C.sqlite3_column_bytes(statement, C.int(index)))
}

func (shell *sqliteShell) printJsonRow(statement *C.sqlite3_stmt, names []string) error {
	fmt.Fprint(shell.output, "{")
	for index, name := range names {
		var value any
		switch C.sqlite3_column_type(statement, C.int(index)) {
		case C.SQLITE_INTEGER:
			value = json.RawMessage(strconv.FormatInt(int64(C.sqlite3_column_int64(statement, C.int(index))), 10))
		case C.SQLITE_FLOAT:
			value = float64(C.sqlite3_column_double(statement, C.int(index)))
		case C.SQLITE_NULL:
			value = nil
		default:
			value = columnText(statement, index)
		}
		key, err := json.Marshal(name)
		if err != nil {
			return err
		}
		encoded, err := json.Marshal(value)
		if err != nil {
			return err
		}
		if index > 0 {
			fmt.Fprint(shell.output, ",")
		}
		fmt.Fprintf(shell.output, "%s:%s", key, encoded)
	}
	fmt.Fprint(shell.output, "}")
	return nil
}
