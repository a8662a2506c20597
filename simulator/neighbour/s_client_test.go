package neighbour_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
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

// presentation is what a sender presents: certificates, its own first, and the key of that.
type presentation struct {
	chain [][]byte
	// key is nil for the kinds that only OpenSSL knows.
	key crypto.Signer
	// pem is the private key, PKCS#8.
	pem []byte
}

// goPresents tells whether crypto/tls signs with the key as a client. If not, it ends the handshake
// itself and nothing is learned of the load balancer, where OpenSSL goes on, if need be without a
// certificate.
func (p presentation) goPresents(version uint16) bool {
	leaf, err := takeApart(p.chain[0])
	if err != nil {
		return true
	}
	recorded, err := readKey(leaf.spki())
	if err != nil || recorded.kind == oidPSS {
		return false
	}
	switch key := p.key.(type) {
	case nil:
		return false
	case *rsa.PrivateKey:
		return key.N.BitLen() >= 1024
	case *ecdsa.PrivateKey:
		return key.Curve != elliptic.P224() || version == tls.VersionTLS12
	}
	return true
}

// opensslLimit is how long openssl s_client may take for a call.
const opensslLimit = 20 * time.Second

// opensslCall calls with openssl s_client and returns the status, 0 where an alert ended the
// handshake.
func opensslCall(t testing.TB, f *front, p presentation, host, address string, version uint16) int {
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
	arguments := []string{"s_client", "-quiet", "-ign_eof", "-connect", address, "-servername", host, "-verify_return_error",
		"-CAfile", file("root.pem", bundle(f.sim.Root().DER())), "-cert", file("cert.pem", bundle(p.chain[0])),
		"-key", file("key.pem", p.pem), "-cert_chain", file("chain.pem", bundle(p.chain[1:]...)),
		"-cipher", "DEFAULT:@SECLEVEL=0"} // the sender's own level, for weak keys
	if version == tls.VersionTLS12 {
		arguments = append(arguments, "-tls1_2")
	}
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
