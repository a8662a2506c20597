// Package sqlite keeps the state of a tenant in a file, which is an SQLite database: the Store of
// "gatehouse serve --state". It knows records only; what stands in them is package tenant's concern.
//
// A change is one transaction. When Save returns, the change is on the disk (write-ahead log,
// synchronous=FULL), so that a process that is killed at any moment loses nothing that was
// acknowledged, and leaves no half change. The file holds passwords and is for its owner only (0600).
// Beside it lie FILE-wal and FILE-shm while it is in use, and FILE.lock, which keeps a second
// process from changing the same state.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite" // pure Go: no cgo

	"example.com/gatehouse/simulator/tenant"
)

// What is wrong with a state file. The errors of Open, Read and Load wrap them and say what to do.
var (
	// ErrNotState: the file is something else.
	ErrNotState = errors.New("is no state file")
	// ErrNewer: the file was written by a newer version.
	ErrNewer = errors.New("was written by a newer version of gatehouse")
	// ErrDamaged: the file cannot be read in full.
	ErrDamaged = errors.New("is damaged")
	// ErrInUse: another process has it open for changes.
	ErrInUse = errors.New("is in use by another process")
	// ErrUnusable: there is no such file, or it cannot be made, read or written.
	ErrUnusable = errors.New("cannot be used")
)

// version is that of the tables and of the form of the records in them. It stands in user_version.
const version = 1

// applicationID marks state files among the databases of SQLite: "Gate".
const applicationID = 0x47617465

// schema makes the tables of version 1. place orders the records of a kind; data is the record as
// JSON, content a certificate or a zip.
const schema = `
CREATE TABLE records (
	kind    TEXT    NOT NULL,
	key     TEXT    NOT NULL,
	place   INTEGER NOT NULL,
	data    BLOB    NOT NULL,
	content BLOB,
	UNIQUE (kind, key)
)`

const (
	putStatement = `INSERT INTO records (kind, key, place, data, content) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (kind, key) DO UPDATE SET place = excluded.place, data = excluded.data, content = excluded.content`
	removeStatement = `DELETE FROM records WHERE kind = ? AND key = ?`
)

// Store is a state file. It is a tenant.Store.
type Store struct {
	path     string
	db       *sql.DB
	conn     *sql.Conn
	put      *sql.Stmt
	remove   *sql.Stmt
	lock     *lock
	readOnly bool
}

// Open opens a state file for a tenant that runs, and makes it if it does not exist. Only one process
// can have it open.
func Open(ctx context.Context, path string) (_ *Store, err error) {
	s := &Store{path: path}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := prepare(path); err != nil {
		return nil, err
	}
	if s.lock, err = takeLock(ctx, path); err != nil {
		return nil, err
	}
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	return s, s.prepareStatements(ctx)
}

// Read opens a state file that exists to look at it, even while a tenant uses it. Save fails.
func Read(ctx context.Context, path string) (_ *Store, err error) {
	s := &Store{path: path, readOnly: true}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if _, err := checkFile(path); err != nil {
		return nil, err
	}
	return s, s.connect(ctx)
}

// prepare makes the file if there is none, for its owner only, since it will hold passwords.
func prepare(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		return f.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		hint := ""
		if _, missing := os.Stat(filepath.Dir(path)); errors.Is(missing, fs.ErrNotExist) {
			hint = fmt.Sprintf("; make the folder %s first", filepath.Dir(path))
		}
		return problem(path, ErrUnusable, "%v%s", plain(err), hint)
	}
	info, err := checkFile(path)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		// Others may not be able to read it where permissions mean nothing; that is no reason to stop.
		_ = os.Chmod(path, 0o600)
	}
	return nil
}

// checkFile looks at the first bytes of a file, before SQLite makes files beside it.
func checkFile(path string) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, problem(path, ErrUnusable, "%v", plain(err))
	}
	if !info.Mode().IsRegular() {
		return nil, problem(path, ErrNotState, "found a folder or device, expected the file of --state")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, problem(path, ErrUnusable, "%v", plain(err))
	}
	defer f.Close()
	const magic = "SQLite format 3\x00"
	begin := make([]byte, len(magic))
	if n, _ := f.Read(begin); n > 0 && string(begin[:n]) != magic {
		return nil, problem(path, ErrNotState, "expected a file that gatehouse serve --state made; name another file, or one that does not exist yet")
	}
	return info, nil
}

// connect opens the database on one connection, and makes its tables if it is new.
func (s *Store) connect(ctx context.Context) (err error) {
	pragmas := []string{"busy_timeout(5000)", "page_size(8192)", "journal_mode(WAL)", "synchronous(FULL)", "fullfsync(1)", "journal_size_limit(16777216)", "trusted_schema(0)"}
	if s.readOnly {
		pragmas = []string{"busy_timeout(5000)", "query_only(1)", "trusted_schema(0)"}
	}
	if s.db, err = sql.Open("sqlite", dsn(s.path, pragmas)); err != nil {
		return s.failed("opening it", err)
	}
	s.db.SetMaxOpenConns(1)
	if s.conn, err = s.db.Conn(ctx); err != nil {
		return s.failed("opening it", err)
	}
	var application, found int
	if err := s.conn.QueryRowContext(ctx, "PRAGMA application_id").Scan(&application); err != nil {
		return s.failed("opening it", err)
	}
	if err := s.conn.QueryRowContext(ctx, "PRAGMA user_version").Scan(&found); err != nil {
		return s.failed("opening it", err)
	}
	switch {
	case application == applicationID && found == version:
		return nil
	case application == applicationID && found > version:
		return problem(s.path, ErrNewer, "it has format %d, and this version knows %d: use the newer version, or another file", found, version)
	case application == applicationID:
		return problem(s.path, ErrDamaged, "it has format %d, expected 1 to %d", found, version)
	}
	var tables int
	if err := s.conn.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return s.failed("opening it", err)
	}
	if application != 0 || found != 0 || tables > 0 {
		return problem(s.path, ErrNotState, "it is a database of something else; name another file, or one that does not exist yet")
	}
	if s.readOnly {
		return problem(s.path, ErrNotState, "it is empty: no tenant was ever kept in it")
	}
	return s.create(ctx)
}

func (s *Store) create(ctx context.Context) error {
	tx, err := s.conn.BeginTx(ctx, nil)
	if err != nil {
		return s.failed("making its tables", err)
	}
	for _, statement := range []string{schema, fmt.Sprintf("PRAGMA application_id = %d", applicationID), fmt.Sprintf("PRAGMA user_version = %d", version)} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return errors.Join(s.failed("making its tables", err), tx.Rollback())
		}
	}
	if err := tx.Commit(); err != nil {
		return s.failed("making its tables", err)
	}
	return nil
}

func (s *Store) prepareStatements(ctx context.Context) (err error) {
	if s.put, err = s.conn.PrepareContext(ctx, putStatement); err != nil {
		return s.failed("opening it", err)
	}
	if s.remove, err = s.conn.PrepareContext(ctx, removeStatement); err != nil {
		return s.failed("opening it", err)
	}
	return nil
}

// Load is that of tenant.Store.
func (s *Store) Load(ctx context.Context, yield func(tenant.Record) error) (found bool, err error) {
	if s.conn == nil {
		return false, fmt.Errorf("reading the state file %s: it is closed", s.path)
	}
	// Reading goes on while the caller works on what was read.
	scan, cancel := context.WithCancel(ctx)
	defer cancel()
	chunks := make(chan []tenant.Record, 4)
	failed := make(chan error, 1)
	go func() {
		defer close(chunks)
		failed <- s.scan(scan, chunks)
	}()
	for chunk := range chunks {
		if err != nil {
			continue // the reader ends
		}
		for _, r := range chunk {
			found = true
			if err = yield(r); err != nil {
				cancel()
				break
			}
		}
	}
	scanned := <-failed
	switch {
	case err != nil:
		return false, problem(s.path, ErrDamaged, "%w: restore it from a copy, or begin with another file", err)
	case scanned != nil:
		return false, scanned
	}
	return found, nil
}

// chunkSize is how many records are handed on at once.
const chunkSize = 256

// scan reads all records.
func (s *Store) scan(ctx context.Context, chunks chan<- []tenant.Record) (err error) {
	rows, err := s.conn.QueryContext(ctx, "SELECT kind, key, place, data, content, content IS NOT NULL FROM records")
	if err != nil {
		return s.failed("reading it", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var chunk []tenant.Record
	kinds := make(map[string]string) // one string for all records of a kind
	for rows.Next() {
		var r tenant.Record
		var kind sql.RawBytes
		var content bool
		if err := rows.Scan(&kind, &r.Key, &r.Order, &r.Data, &r.Blob, &content); err != nil {
			return s.failed("reading it", err)
		}
		name, known := kinds[string(kind)]
		if !known {
			name = string(kind)
			kinds[name] = name
		}
		r.Kind = name
		if content && r.Blob == nil { // the driver makes no difference
			r.Blob = []byte{}
		}
		if chunk = append(chunk, r); len(chunk) == chunkSize {
			chunks <- chunk
			chunk = make([]tenant.Record, 0, chunkSize)
		}
	}
	if err := rows.Err(); err != nil {
		return s.failed("reading it", err)
	}
	chunks <- chunk
	return nil
}

// Save is that of tenant.Store.
func (s *Store) Save(ctx context.Context, change tenant.Change) (err error) {
	if s.put == nil {
		return fmt.Errorf("changing the state file %s: it was opened for reading only, or is closed", s.path)
	}
	tx, err := s.conn.BeginTx(ctx, nil)
	if err != nil {
		return s.failed("changing it", err)
	}
	defer func() {
		if err != nil {
			// After a failed commit there may be nothing to roll back any more.
			if rollback := tx.Rollback(); !errors.Is(rollback, sql.ErrTxDone) {
				err = errors.Join(err, rollback)
			}
		}
	}()
	put, remove := tx.StmtContext(ctx, s.put), tx.StmtContext(ctx, s.remove)
	for _, id := range change.Remove {
		if _, err := remove.ExecContext(ctx, id.Kind, id.Key); err != nil {
			return s.failed("changing it", err)
		}
	}
	for _, r := range change.Put {
		var content any // nil is NULL; a nil []byte would be an empty one
		if r.Blob != nil {
			content = r.Blob
		}
		if _, err := put.ExecContext(ctx, r.Kind, r.Key, r.Order, r.Data, content); err != nil {
			return s.failed("changing it", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return s.failed("changing it", err)
	}
	return nil
}

// Close is that of tenant.Store. It may be called more than once.
func (s *Store) Close() error {
	var errs []error
	for _, statement := range []**sql.Stmt{&s.put, &s.remove} {
		if *statement != nil {
			errs = append(errs, (*statement).Close())
			*statement = nil
		}
	}
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
		s.conn = nil
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
		s.db = nil
	}
	if s.lock != nil {
		errs = append(errs, s.lock.release())
		s.lock = nil
	}
	return errors.Join(errs...)
}

// dsn is the name of a file for the driver. Transactions take the right to write at their beginning.
func dsn(path string, pragmas []string) string {
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/… on Windows
	}
	q := url.Values{"_txlock": {"immediate"}, "_pragma": pragmas}
	return "file://" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// failed turns an error of SQLite into one of ours.
func (s *Store) failed(doing string, err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) {
		const (
			logic, busy, locked, corrupt, notDatabase, cannotOpen, readOnly = 1, 5, 6, 11, 26, 14, 8
		)
		switch e.Code() & 0xff {
		case busy, locked:
			return problem(s.path, ErrInUse, "%s: %w: end the other process, or name another file", doing, err)
		case corrupt, logic: // our statements are right, so a table is not
			return problem(s.path, ErrDamaged, "%s: %w: restore it from a copy, or begin with another file", doing, err)
		case notDatabase:
			return problem(s.path, ErrNotState, "%s: %w: name another file, or one that does not exist yet", doing, err)
		case cannotOpen, readOnly:
			return problem(s.path, ErrUnusable, "%s: %w: it and its folder must be writable", doing, err)
		}
	}
	return fmt.Errorf("the state file %s: %s: %w", s.path, doing, err)
}

func problem(path string, what error, format string, args ...any) error {
	return fmt.Errorf("the state file %s %w: %w", path, what, fmt.Errorf(format, args...))
}

// plain leaves out the path of an error, which is told already.
func plain(err error) error {
	if at := (*fs.PathError)(nil); errors.As(err, &at) {
		return at.Err
	}
	return err
}
