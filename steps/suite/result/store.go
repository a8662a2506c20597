package result

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"sync"

	"example.com/gatehouse/steps/evidence"
)

// Store keeps calls in one temporary file, so that the memory of a run does not grow with what its
// scenarios leave behind. The file is made with the first call that is kept, is readable for its
// owner only, and is gone after Close, or, where the system lets it, as soon as it is open. The
// zero value is ready for use.
type Store struct {
	mu   sync.Mutex
	file *os.File
	end  int64
	gone bool // the file has no name any more
}

// ref is a place in the file.
type ref struct{ offset, length int64 }

func (s *Store) put(calls []evidence.Call) (ref, error) {
	data, err := json.Marshal(calls)
	if err != nil {
		return ref{}, fmt.Errorf("keeping evidence: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		if s.file, err = os.CreateTemp("", "gatehouse-evidence-*"); err != nil {
			return ref{}, fmt.Errorf("keeping evidence: %w", err)
		}
		// A file without a name goes away with the process, however that ends. Windows keeps the name.
		s.gone = runtime.GOOS != "windows" && os.Remove(s.file.Name()) == nil
	}
	n, err := s.file.WriteAt(data, s.end)
	if err != nil {
		return ref{}, fmt.Errorf("keeping evidence: %w", err)
	}
	at := ref{s.end, int64(n)}
	s.end += int64(n)
	return at, nil
}

func (s *Store) get(at ref) ([]evidence.Call, error) {
	if s == nil {
		return nil, errors.New("reading evidence: nothing was kept")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil, errors.New("reading evidence: it is closed")
	}
	data := make([]byte, at.length)
	if _, err := s.file.ReadAt(data, at.offset); err != nil {
		return nil, fmt.Errorf("reading evidence: %w", err)
	}
	var calls []evidence.Call
	if err := json.Unmarshal(data, &calls); err != nil {
		return nil, fmt.Errorf("reading evidence: %w", err)
	}
	return calls, nil
}

// Close removes the file.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if !s.gone {
		if gone := os.Remove(s.file.Name()); !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	s.file = nil
	return err
}
