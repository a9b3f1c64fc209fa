package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

const (
	tunerProgram      = "Plex Tuner Service"
	scriptHostProgram = "Plex Script Host"
	transcoderProgram = "Plex Transcoder"
)

// scriptHostLinger is how long the last child outlives the server: stopping Plex is over only when its children are gone too.
const scriptHostLinger = 1200 * time.Millisecond

// runChild is the life of a child: it ends when its parent does, which it sees at the end of its standard input, and ignores a polite TERM.
func runChild(name string) int {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		fmt.Fprintf(os.Stderr, "%s: cannot wait for the server: %v\n", name, err)
		return 1
	}
	if name == scriptHostProgram {
		time.Sleep(scriptHostLinger)
	}
	return 0
}

// child is a running program of the installation; stop ends it and waits, unless it is left to see the end of the server itself.
type child struct {
	process *exec.Cmd
	input   io.WriteCloser
}

func startChild(programs string, name string) (*child, error) {
	process := exec.Command(filepath.Join(programs, name))
	process.Args[0] = filepath.Join(programs, name)
	input, err := process.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("Cannot start %q: %w", name, err)
	}
	if err := process.Start(); err != nil {
		return nil, fmt.Errorf("Cannot start %q: %w", name, err)
	}
	return &child{process, input}, nil
}

func (c *child) stop() error {
	closed := c.input.Close()
	if err := c.process.Wait(); err != nil {
		return err
	}
	return closed
}
