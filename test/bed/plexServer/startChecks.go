package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const pidFile = "plexmediaserver.pid"

// refuseSecondServer returns an error when the pid file names a process that lives: as pids repeat in containers, a stale file can do that too.
func refuseSecondServer(path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("Cannot read %q: %w", path, err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 0 {
		return fmt.Errorf("Cannot use %q: it does not hold a process id", path)
	}
	if pid != os.Getpid() && !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return fmt.Errorf("Cannot start: another server runs as process %d, says %q", pid, path)
	}
	return nil
}

// refuseForeignFiles returns an error when a file or directory the server has to write belongs to another user or cannot be written.
func refuseForeignFiles(env environment) error {
	mustWrite := []string{env.dataDirectory, env.path("Preferences.xml"), env.path("Plug-in Support"), env.databases()}
	for _, database := range []string{libraryFile, blobsFile} {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			mustWrite = append(mustWrite, filepath.Join(env.databases(), database+suffix))
		}
	}
	for _, path := range mustWrite {
		information, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("Cannot read %q: %w", path, err)
		}
		if err := refuseForeign(path, information); err != nil {
			return err
		}
	}
	return nil
}

const writeAccess = 2

func refuseForeign(path string, information fs.FileInfo) error {
	owner, known := information.Sys().(*syscall.Stat_t)
	if !known {
		return fmt.Errorf("Cannot read the owner of %q", path)
	}
	if os.Geteuid() != 0 && int(owner.Uid) != os.Geteuid() {
		return fmt.Errorf("Cannot write %q: it belongs to user %d, the server runs as %d", path, owner.Uid, os.Geteuid())
	}
	if err := syscall.Access(path, writeAccess); err != nil {
		return fmt.Errorf("Cannot write %q: %w", path, err)
	}
	return nil
}
