package main

import (
	"strconv"
	"strings"
)

// version is set at link time: -ldflags "-X main.version=1.43.4.10718-1e3cb7a60".
var version = "1.43.4.10718-1e3cb7a60"

// knownSchemas lists, newest first, the last schema migration each server version brings. A database that names a later one is newer than the server.
var knownSchemas = []struct{ since, migration string }{
	{"1.44.0", "20270101000000"},
	{"1.43.5", "20260801000000"},
	{"1.43.4", "20260401000000"},
	{"1.43.3", "20260301000000"},
	{"1.43.1", "20260201000000"},
	{"1.43.0", "20251201000000"},
	{"1.42.0", "20250801000000"},
	{"1.41.0", "20241001000000"},
	{"1.40.0", "20240401000000"},
	{"0", "20230901000000"},
}

// latestMigration is the newest schema migration the given server version knows, such as 20260401000000.
func latestMigration(serverVersion string) string {
	for _, known := range knownSchemas {
		if compareVersions(serverVersion, known.since) >= 0 {
			return known.migration
		}
	}
	return knownSchemas[len(knownSchemas)-1].migration
}

// hasOwnContentSearch tells whether the version keeps full-text tables with their own content (1.43.4) instead of external content.
func hasOwnContentSearch(serverVersion string) bool {
	return compareVersions(serverVersion, "1.43.4") >= 0
}

// compareVersions compares the dotted numbers before the dash numerically: negative, zero or positive as a is older, equal or newer.
func compareVersions(a string, b string) int {
	left, right := versionNumbers(a), versionNumbers(b)
	for index := 0; index < len(left) || index < len(right); index++ {
		var l, r int
		if index < len(left) {
			l = left[index]
		}
		if index < len(right) {
			r = right[index]
		}
		if l != r {
			return l - r
		}
	}
	return 0
}

func versionNumbers(text string) []int {
	numbers, _, _ := strings.Cut(text, "-")
	var result []int
	for _, part := range strings.Split(numbers, ".") {
		number, err := strconv.Atoi(part)
		if err != nil {
			break
		}
		result = append(result, number)
	}
	return result
}
