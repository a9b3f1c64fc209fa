package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// serverLog appends to "Logs/Plex Media Server.log"; what may not be lost goes to standard error as well.
type serverLog struct {
	mutex sync.Mutex
	file  *os.File
}

func openServerLog(directory string) (*serverLog, error) {
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return nil, fmt.Errorf("Cannot create the log directory: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(directory, "Plex Media Server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("Cannot open the log: %w", err)
	}
	return &serverLog{file: file}, nil
}

func (l *serverLog) write(level string, format string, values ...any) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	line := fmt.Sprintf("%s [%d] %s - %s\n", time.Now().Format("Jan 02, 2006 15:04:05.000"), os.Getpid(), level, fmt.Sprintf(format, values...))
	if _, err := l.file.WriteString(line); err != nil || level == "ERROR" {
		fmt.Fprint(os.Stderr, line)
	}
}

func (l *serverLog) info(format string, values ...any)    { l.write("INFO", format, values...) }
func (l *serverLog) warning(format string, values ...any) { l.write("WARN", format, values...) }
func (l *serverLog) failure(format string, values ...any) { l.write("ERROR", format, values...) }
