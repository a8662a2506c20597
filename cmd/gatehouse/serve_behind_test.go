package main

import (
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// With --behind the configuration is written, keys for their owner only, and what the banner says
// starts it; a second serve replaces what the first wrote.
func TestServeBehind(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "front")
	for range 2 {
		s := serveExample(t, "--behind", "haproxy", "--behind-listen", "127.0.0.1:18443", "--behind-folder", folder)
		s.awaits(t, "haproxy, told to listen on 127.0.0.1:18443; start it with: haproxy -W -db -f "+filepath.Join(folder, "haproxy.cfg"))
		s.awaits(t, "listens for it on 127.0.0.1:")
		for _, name := range []string{"neighbour.pem", "host0.pem"} {
			info, err := os.Stat(filepath.Join(folder, name))
			require.NoError(t, err)
			if runtime.GOOS != "windows" {
				assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
			}
		}
		status, err := s.post(s.caller(t, "warehouse", false), "/http/orders")
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, status, "Gatehouse's own load balancer goes on beside it")
		assert.Equal(t, exitOK, s.stop(t, os.Interrupt))
	}
}
