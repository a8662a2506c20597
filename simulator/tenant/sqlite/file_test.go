package sqlite

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/tenant"
)

// stateFile makes a state file in which a tenant was kept.
func stateFile(t testing.TB, path string) {
	t.Helper()
	store, err := Open(t.Context(), path)
	require.NoError(t, err)
	tn, err := tenant.Open(t.Context(), store, tenant.Config{Users: []tenant.User{{Name: "alice", Password: "secret"}}}, nil)
	require.NoError(t, err)
	require.NoError(t, tn.Close())
}

// alter runs a statement on the database of a file.
func alter(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", dsn(path, nil))
	require.NoError(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), statement)
	require.NoError(t, err)
}

// Each row is a file that is no usable state file; its good twin is the file before it was altered.
func TestUnusableFiles(t *testing.T) {
	for name, row := range map[string]struct {
		spoil func(t *testing.T, path string)
		what  error
		says  string
	}{
		"text":            {func(t *testing.T, p string) { write(t, p, "tenant:\n  account: e1\n") }, ErrNotState, "expected a file that gatehouse serve --state made"},
		"text, short":     {func(t *testing.T, p string) { write(t, p, "x") }, ErrNotState, "name another file"},
		"other database":  {func(t *testing.T, p string) { remove(t, p); alter(t, p, "CREATE TABLE other (a)") }, ErrNotState, "a database of something else"},
		"other program":   {func(t *testing.T, p string) { alter(t, p, "PRAGMA application_id = 7") }, ErrNotState, "a database of something else"},
		"newer":           {func(t *testing.T, p string) { alter(t, p, "PRAGMA user_version = 2") }, ErrNewer, "it has format 2, and this version knows 1"},
		"no version":      {func(t *testing.T, p string) { alter(t, p, "PRAGMA user_version = 0") }, ErrDamaged, "it has format 0"},
		"cut off":         {cutOff, ErrDamaged, "restore it from a copy"},
		"overwritten":     {overwrite, ErrDamaged, "restore it from a copy"},
		"not JSON":        {func(t *testing.T, p string) { alter(t, p, "UPDATE records SET data = 'x' WHERE kind = 'user'") }, ErrDamaged, `reading user "alice"`},
		"unknown kind":    {func(t *testing.T, p string) { alter(t, p, "UPDATE records SET kind = 'other' WHERE kind = 'user'") }, ErrDamaged, `a record of the kind "other"`},
		"folder":          {func(t *testing.T, p string) { remove(t, p); require.NoError(t, os.Mkdir(p, 0o700)) }, ErrNotState, "found a folder"},
		"folder missing":  {func(t *testing.T, p string) { require.NoError(t, os.RemoveAll(filepath.Dir(p))) }, ErrUnusable, "make the folder"},
		"table is absent": {func(t *testing.T, p string) { alter(t, p, "DROP TABLE records") }, ErrDamaged, "no such table"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "folder", "state")
			require.NoError(t, os.Mkdir(filepath.Dir(path), 0o700))
			stateFile(t, path)
			stateFile(t, path) // the good twin opens
			row.spoil(t, path)
			err := open(t, path)
			require.ErrorIs(t, err, row.what)
			assert.ErrorContains(t, err, row.says)
			assert.ErrorContains(t, err, path)
		})
	}
}

func open(t *testing.T, path string) error {
	store, err := Open(t.Context(), path)
	if err != nil {
		return err
	}
	defer func() { require.NoError(t, store.Close()) }()
	_, err = tenant.Open(t.Context(), store, tenant.Config{}, nil)
	return err
}

func remove(t *testing.T, path string) { require.NoError(t, os.Remove(path)) }

func write(t *testing.T, path, text string) {
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

func cutOff(t *testing.T, path string) {
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(path, info.Size()-4096))
}

// overwrite spoils everything behind the first page.
func overwrite(t *testing.T, path string) {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	for i := 4096; i < len(data); i++ {
		data[i] = 0xa5
	}
	require.NoError(t, os.WriteFile(path, data, 0o600))
}

func TestOnlyOneProcessChangesAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	store, err := Open(t.Context(), path)
	require.NoError(t, err)
	tn, err := tenant.Open(t.Context(), store, tenant.Config{}, nil)
	require.NoError(t, err)
	_, err = Open(t.Context(), path)
	require.ErrorIs(t, err, ErrInUse)

	require.NoError(t, tn.MapCertificate(certificate(1, 1), "WAREHOUSE"))
	reader, err := Read(t.Context(), path)
	require.NoError(t, err, "a reader may look at it meanwhile")
	seen, err := tenant.Open(t.Context(), reader, tenant.Config{}, nil)
	require.NoError(t, err)
	assert.Equal(t, tn.Config(), seen.Config())
	err = seen.MapCertificate(certificate(1, 2), "X")
	assert.ErrorContains(t, err, "opened for reading only")
	assert.Equal(t, 1, seen.Snapshot().MappingCount(), "what was not saved did not happen")
	require.NoError(t, seen.Close())
	require.NoError(t, tn.MapCertificate(certificate(1, 3), "SHOP"))

	require.NoError(t, tn.Close())
	require.NoError(t, open(t, path), "once it is closed another may open it")
}

func TestReadMakesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	_, err := Read(t.Context(), path)
	require.ErrorIs(t, err, ErrUnusable)
	write(t, path, "")
	_, err = Read(t.Context(), path)
	require.ErrorIs(t, err, ErrNotState)
	assert.ErrorContains(t, err, "no tenant was ever kept in it")
	require.NoError(t, open(t, path), "serve may begin with an empty file")
}

func TestTheFileIsForItsOwnerOnly(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("permissions mean nothing there")
	}
	path := filepath.Join(t.TempDir(), "state")
	write(t, path, "")
	require.NoError(t, os.Chmod(path, 0o644))
	store, err := Open(t.Context(), path)
	require.NoError(t, err)
	defer store.Close()
	tn, err := tenant.Open(t.Context(), store, tenant.Config{}, nil)
	require.NoError(t, err)
	require.NoError(t, tn.MapCertificate(certificate(1, 1), "WAREHOUSE"))
	for _, name := range []string{path, path + "-wal", path + "-shm", path + ".lock"} {
		info, err := os.Stat(name)
		require.NoError(t, err)
		assert.Zero(t, info.Mode().Perm()&0o077, name)
	}
}

// Names that mean something in a URI or to SQLite are names of files like others.
func TestOddFileNames(t *testing.T) {
	for _, name := range []string{"a b", "100%", "what?", "a#b", ":memory:", "äö", "a&b=c", "file:x"} {
		if runtime.GOOS == "windows" && (name == "what?" || name == ":memory:" || name == "file:x") {
			continue
		}
		folder := t.TempDir()
		stateFile(t, filepath.Join(folder, name))
		entries, err := os.ReadDir(folder)
		require.NoError(t, err)
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		assert.ElementsMatch(t, []string{name, name + ".lock"}, names, "nothing else is left: %s", fmt.Sprint(names))
	}
}
