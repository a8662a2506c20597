package neighbour_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// goSigns tells whether crypto/tls signs with the key as a client. If not, it ends the handshake, where
// a real client does without a certificate.
func goSigns(key *successor, version uint16) bool {
	ec, ok := key.signer.(*ecdsa.PrivateKey)
	return key.signer != nil && !(ok && ec.Curve == elliptic.P224() && version > tls.VersionTLS12)
}

// opensslLimit is how long openssl s_client may take for a call.
const opensslLimit = 20 * time.Second

// opensslCall calls with openssl s_client and returns the status, 0 where an alert ended the
// handshake.
func opensslCall(t testing.TB, f *front, c recordedCase, key *successor, host, address string, more ...string) int {
	t.Helper()
	folder := t.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, data, 0o600))
		return path
	}
	bundle := func(ders ...[]byte) []byte {
		var out []byte
		for _, der := range ders {
			out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
		}
		return out
	}
	arguments := append([]string{"s_client", "-quiet", "-ign_eof", "-connect", address, "-servername", host, "-verify_return_error",
		"-CAfile", file("root.pem", bundle(f.sim.Root().DER())), "-cert", file("cert.pem", bundle(c.chain[0])),
		"-key", file("key.pem", key.pem), "-cert_chain", file("chain.pem", bundle(c.chain[1:]...))}, more...)
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), opensslLimit)
	defer cancel()
	command := exec.CommandContext(ctx, "openssl", arguments...)
	command.Stdin = strings.NewReader(fmt.Sprintf("GET /http/orders HTTP/1.1\r\nHost: %s:%s\r\nConnection: close\r\n\r\n", host, port))
	var said bytes.Buffer
	command.Stderr = &said
	out, _ := command.Output() // a handshake that ended is an answer, too
	rest, ok := strings.CutPrefix(string(out), "HTTP/1.1 ")
	if !ok || len(rest) < 3 {
		require.Contains(t, said.String(), "alert", "openssl s_client ended for another reason than an alert")
		return 0
	}
	status, err := strconv.Atoi(rest[:3])
	require.NoError(t, err)
	return status
}
