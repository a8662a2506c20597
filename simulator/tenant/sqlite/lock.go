package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// lock keeps other processes from changing a state file. It is an exclusive transaction on a
// database of its own beside the file, since SQLite locks files in the way of each operating system
// and the lock ends with the process, however that ends. A reader of the state file is not kept out.
type lock struct {
	db   *sql.DB
	conn *sql.Conn
	held bool
}

func takeLock(ctx context.Context, path string) (_ *lock, err error) {
	name := path + ".lock"
	if err := prepare(name); err != nil {
		return nil, err
	}
	l := &lock{}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.release())
		}
	}()
	s := &Store{path: path} // words the errors
	if l.db, err = sql.Open("sqlite", dsn(name, []string{"busy_timeout(0)"})); err != nil {
		return nil, s.failed("locking it", err)
	}
	l.db.SetMaxOpenConns(1)
	if l.conn, err = l.db.Conn(ctx); err != nil {
		return nil, s.failed("locking it", err)
	}
	if _, err = l.conn.ExecContext(ctx, "BEGIN EXCLUSIVE"); err != nil {
		return nil, s.failed("locking it", err)
	}
	l.held = true
	return l, nil
}

func (l *lock) release() error {
	var errs []error
	if l.held {
		_, err := l.conn.ExecContext(context.Background(), "ROLLBACK")
		errs = append(errs, err)
	}
	if l.conn != nil {
		errs = append(errs, l.conn.Close())
	}
	if l.db != nil {
		errs = append(errs, l.db.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("releasing the lock of the state file: %w", err)
	}
	return nil
}
