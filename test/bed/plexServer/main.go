// A stand-in for Plex Media Server in test beds: the same directory layout, schema, processes and HTTP calls, and as unforgiving.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

const serverProgram = "Plex Media Server"

// main behaves as the program whose name it was started under, because every program of the installation is this one file.
func main() {
	if err := registerSqliteExtensions(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	arguments := os.Args[1:]
	switch name := filepath.Base(os.Args[0]); name {
	case "Plex SQLite":
		os.Exit(runSqliteShell(arguments))
	case tunerProgram, scriptHostProgram, transcoderProgram:
		os.Exit(runChild(name))
	}
	if len(arguments) > 0 {
		switch arguments[0] {
		case "--version":
			fmt.Println(version)
			return
		case "--sqlite":
			os.Exit(runSqliteShell(arguments[1:]))
		}
	}
	if err := runServer(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
