package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// environment is what the server takes from its environment variables.
type environment struct {
	dataDirectory   string
	programs        string
	port            int
	stopDelay       time.Duration
	butlerDelay     time.Duration
	scanDelay       time.Duration
	writesPerSecond int
}

// readEnvironment reads Plex's own variables and those named STANDIN_..., which exist for tests only.
func readEnvironment() (environment, error) {
	support := os.Getenv("PLEX_MEDIA_SERVER_APPLICATION_SUPPORT_DIR")
	if support == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return environment{}, fmt.Errorf("Cannot find the application support directory: %w", err)
		}
		support = filepath.Join(home, "Library", "Application Support")
	}
	programs := os.Getenv("PLEX_MEDIA_SERVER_HOME")
	if programs == "" {
		executable, err := os.Executable()
		if err != nil {
			return environment{}, fmt.Errorf("Cannot find the server's own directory: %w", err)
		}
		programs = filepath.Dir(executable)
	}
	result := environment{dataDirectory: filepath.Join(support, "Plex Media Server"), programs: programs}
	numbers := []struct {
		name     string
		fallback int
		use      func(int)
	}{
		{"STANDIN_PORT", 32400, func(value int) { result.port = value }},
		{"STANDIN_STOP_MS", 3000, func(value int) { result.stopDelay = time.Duration(value) * time.Millisecond }},
		{"STANDIN_BUTLER_DELAY_MS", 5000, func(value int) { result.butlerDelay = time.Duration(value) * time.Millisecond }},
		{"STANDIN_SCAN_DELAY_MS", 3000, func(value int) { result.scanDelay = time.Duration(value) * time.Millisecond }},
		{"STANDIN_WRITES_PER_SECOND", 0, func(value int) { result.writesPerSecond = value }},
	}
	for _, number := range numbers {
		value := number.fallback
		if text := os.Getenv(number.name); text != "" {
			parsed, err := strconv.Atoi(text)
			if err != nil || parsed < 0 {
				return environment{}, fmt.Errorf("Cannot use %s=%q: a whole number is expected", number.name, text)
			}
			value = parsed
		}
		number.use(value)
	}
	return result, nil
}

func (e environment) path(names ...string) string {
	return filepath.Join(append([]string{e.dataDirectory}, names...)...)
}

func (e environment) databases() string {
	return e.path("Plug-in Support", "Databases")
}
