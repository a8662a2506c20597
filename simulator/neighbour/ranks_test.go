package neighbour

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki/verify"
)

// recorded is what HAProxy 2.6 and nginx 1.22 answered to a chain; see package verify, where the
// chains are.
type recorded struct {
	Case, Description string
	At                time.Time
	// CRL tells that CRLs were checked for the sender's certificate.
	CRL   bool
	First struct{ Code, Depth int }
	All   []struct{ Code, Depth int }
	Last  int
	// FirstAtLevel1 is the first code at security level 1.
	FirstAtLevel1 int `json:"first_at_level_1"`
	// HAProxy's fields are null where the handshake ended.
	HAProxy struct {
		Handshake bool `json:"handshake"`
		Verify    int  `json:"ssl_c_verify"`
		Sender    int  `json:"ssl_c_err"`
		CA        int  `json:"ssl_c_ca_err"`
		// Used is 1 if a certificate came.
		Used int `json:"ssl_c_used"`
	} `json:"haproxy"`
	Nginx struct {
		Optional struct {
			Handshake bool   `json:"handshake"`
			Verify    string `json:"ssl_client_verify"`
		} `json:"optional"`
	} `json:"nginx"`
}

// recordedFolder holds the recorded chains.
var recordedFolder = filepath.Join("..", "..", "pki", "verify", "testdata", "cases")

func recordings(t testing.TB) []recorded {
	data, err := os.ReadFile(filepath.Join(recordedFolder, "cases.json"))
	require.NoError(t, err)
	var out struct{ Cases []recorded }
	require.NoError(t, json.Unmarshal(data, &out))
	require.Len(t, out.Cases, 93)
	return out.Cases
}

// rank reads a map file as HAProxy does.
func rank(t *testing.T, file []byte, code int) int {
	if code == 0 {
		return noRank
	}
	for line := range strings.Lines(string(file)) {
		if key, value, _ := strings.Cut(strings.TrimSpace(line), " "); key == strconv.Itoa(code) {
			n, err := strconv.Atoi(value)
			require.NoError(t, err)
			return n
		}
	}
	return lastRank
}

// From what HAProxy keeps, the rules of the configuration find the first error of every recorded
// chain whose handshake HAProxy does not end.
func TestFirstErrorFromWhatHAProxyKeeps(t *testing.T) {
	found, ended := 0, 0
	for _, c := range recordings(t) {
		h := c.HAProxy
		if !h.Handshake {
			ended++
			assert.True(t, slices.ContainsFunc(c.All, func(e struct{ Code, Depth int }) bool { return e.Code >= 32 && e.Code <= 63 }),
				"%s: HAProxy ended a handshake for something else than the codes 32 to 63", c.Case)
			continue
		}
		if c.CRL {
			continue // its load balancer looks at no CRL
		}
		code := h.Verify
		if h.Sender != 0 {
			code = h.Sender
		}
		if h.CA != 0 && rank(t, ranks(true), h.CA) < rank(t, ranks(false), h.Sender) {
			code = h.CA
		}
		assert.Equal(t, c.First.Code, code, c.Case)
		found++
	}
	t.Logf("HAProxy: the first error of %d chains was found, %d handshakes were ended by HAProxy, of 93", found, ended)
	assert.Greater(t, found, 60)
}

// The texts that nginx shows are those that its configuration makes numbers of.
func TestCodesFromNginxTexts(t *testing.T) {
	found := 0
	for _, c := range recordings(t) {
		if !c.Nginx.Optional.Handshake || !strings.HasPrefix(c.Nginx.Optional.Verify, "FAILED:") || c.CRL {
			continue
		}
		text := strings.TrimPrefix(c.Nginx.Optional.Verify, "FAILED:")
		assert.Equal(t, verify.Text(c.Last), text, c.Case)
		found++
	}
	assert.Greater(t, found, 30)
}
