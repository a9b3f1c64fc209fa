package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// server is one running Plex Media Server.
type server struct {
	env             environment
	log             *serverLog
	preferences     *preferences
	library         *sql.DB
	blobs           *sql.DB
	adminToken      string
	sessions        *sessionList
	activities      *activityList
	scans           *scanQueue
	startedAt       time.Time
	writesPerSecond atomic.Int64
	loads           *loads
	children        []*child
	background      sync.WaitGroup
}

// runServer starts, serves until TERM or INT, and stops. An error means that the server refused to start, or did not stop cleanly.
func runServer() error {
	env, err := readEnvironment()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(env.databases(), 0o755); err != nil {
		return fmt.Errorf("Cannot create the data directory: %w", err)
	}
	log, err := openServerLog(env.path("Logs"))
	if err != nil {
		return err
	}
	log.info("Plex Media Server v%s, data directory %q", version, env.dataDirectory)
	running, err := startServer(env, log)
	if err != nil {
		log.failure("%v", err)
		return errors.New("Plex Media Server did not start")
	}
	return running
}

func startServer(env environment, log *serverLog) (stopped error, refused error) {
	pidPath := env.path(pidFile)
	if err := errors.Join(refuseForeignFiles(env), refuseSecondServer(pidPath)); err != nil {
		return nil, err
	}
	settings, isNew, err := loadPreferences(env.path("Preferences.xml"))
	if err != nil {
		return nil, err
	}
	if isNew {
		log.warning("No Preferences.xml: this is a new, unclaimed server")
	}
	s := &server{env: env, log: log, preferences: settings, adminToken: randomHex(20), sessions: newSessionList(), activities: newActivityList(), startedAt: time.Now()}
	s.scans = newScanQueue(s)
	s.writesPerSecond.Store(int64(env.writesPerSecond))
	if s.library, err = openDatabase(filepath.Join(env.databases(), libraryFile), log); err != nil {
		return nil, err
	}
	if s.blobs, err = openDatabase(filepath.Join(env.databases(), blobsFile), log); err != nil {
		return nil, errors.Join(err, closeDatabase(s.library, libraryFile))
	}
	s.loads = newLoads(s)
	listener, err := s.announce(pidPath)
	if err != nil {
		return nil, errors.Join(err, s.closeDatabases())
	}
	return s.serve(listener), nil
}

// announce does what only a server that is certain to run may do: identity, pid file, token file, children, port.
func (s *server) announce(pidPath string) (net.Listener, error) {
	listener, err := net.Listen("tcp", ":"+strconv.Itoa(s.env.port))
	if err != nil {
		return nil, fmt.Errorf("Cannot listen on port %d: %w", s.env.port, err)
	}
	err = errors.Join(
		s.preferences.ensureIdentity(),
		os.WriteFile(pidPath, []byte(strconv.Itoa(os.Getpid())), 0o644),
		replaceFile(s.env.path(".LocalAdminToken"), s.adminToken),
	)
	for _, name := range []string{"Cache", "Codecs", "Crash Reports", "Media", "Metadata", "Plug-ins"} {
		err = errors.Join(err, os.MkdirAll(s.env.path(name), 0o755))
	}
	for _, name := range []string{tunerProgram, scriptHostProgram} {
		started, startError := startChild(s.env.programs, name)
		err = errors.Join(err, startError)
		if startError == nil {
			s.children = append(s.children, started)
		}
	}
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return listener, nil
}

func (s *server) serve(listener net.Listener) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	s.startBackgroundWork(ctx)
	web := &http.Server{Handler: s.handler(), ReadHeaderTimeout: 30 * time.Second}
	served := make(chan error, 1)
	go func() { served <- web.Serve(listener) }()
	s.log.info("Listening on %s", listener.Addr())
	var failure error
	select {
	case <-ctx.Done():
		s.log.info("Asked to stop")
	case failure = <-served:
	}
	return errors.Join(failure, s.shutDown(web))
}

// shutDown stops in Plex's order: no more answers, seconds of tidying, databases without WAL, no pid file; the children see the end by themselves.
func (s *server) shutDown(web *http.Server) error {
	// Close, not Shutdown: Plex cuts streams off.
	err := web.Close()
	s.background.Wait()
	s.loads.set(0, s.log)
	time.Sleep(s.env.stopDelay)
	err = errors.Join(err, s.sessions.removeAll(), s.closeDatabases(), os.Remove(s.env.path(pidFile)))
	if err != nil {
		s.log.failure("Stopped with errors: %v", err)
		return err
	}
	s.log.info("Stopped")
	return nil
}

func (s *server) closeDatabases() error {
	return errors.Join(
		closeDatabase(s.library, filepath.Join(s.env.databases(), libraryFile)),
		closeDatabase(s.blobs, filepath.Join(s.env.databases(), blobsFile)),
	)
}

// startBackgroundWork begins all that a server does unasked. Each part ends when ctx does.
func (s *server) startBackgroundWork(ctx context.Context) {
	parts := []struct {
		name string
		run  func(context.Context) error
	}{
		{"statistics", s.writeStatistics},
		{"simulated activity", s.simulateActivity},
		{"library updates", s.updateLibraries},
		{"scanner", s.scans.run},
		{"butler", s.runButler},
		{"background queue", s.runBackgroundQueue},
	}
	for _, part := range parts {
		s.background.Add(1)
		go func() {
			defer s.background.Done()
			if err := part.run(ctx); err != nil && !errors.Is(err, context.Canceled) {
				s.log.failure("The %s stopped: %v", part.name, err)
			}
		}()
	}
}

// pause waits; false means that the server stops meanwhile.
func pause(ctx context.Context, duration time.Duration) bool {
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
