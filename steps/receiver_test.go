package steps_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cucumber/godog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/simulator/receiver"
	"example.com/gatehouse/steps"
)

// play runs one scenario while a real sender, which presents the chain, calls again and again.
func play(t *testing.T, then string, own *pki.Certificate, chain [][]byte) (failed bool, output string) {
	t.Helper()
	dir := t.TempDir()
	trust, keys := filepath.ToSlash(filepath.Join(dir, "roots.pem")), filepath.ToSlash(filepath.Join(dir, "keys"))
	require.NoError(t, os.WriteFile(trust, keystore.CertificatePEM(own.Root()), 0o600))
	_, _, err := receiver.OpenIdentity(keys, nil, time.Now)
	require.NoError(t, err)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := free.Addr().String()
	require.NoError(t, free.Close())

	ended := make(chan struct{})
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		// The machine's own name makes the receiver take another certificate: whoever it is is trusted.
		config := &tls.Config{InsecureSkipVerify: true, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &tls.Certificate{Certificate: chain, PrivateKey: own.Key()}, nil
		}}
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}, Timeout: time.Minute}
		for {
			response, err := client.Post("https://"+address+"/http/orders", "text/plain", strings.NewReader("x"))
			if err == nil {
				_ = response.Body.Close()
				return
			}
			select {
			case <-ended:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	var out bytes.Buffer
	status := godog.TestSuite{
		ScenarioInitializer: steps.Register,
		Options: &godog.Options{Format: "pretty", Output: &out, Strict: true, NoColors: true, FeatureContents: []godog.Feature{{Name: "real.feature", Contents: []byte(fmt.Sprintf(`Feature: A real sender
  Scenario: It is as it should be
    Given a receiver on "%s" that trusts "%s" and keeps its keys in "%s"
    When a real sender calls within 1 minute
%s`, address, trust, keys, then))}}},
	}.Run()
	close(ended)
	<-gone
	return status != 0, out.String()
}

func TestRealSender(t *testing.T) {
	warehouse := pki.NewRoot("Example Root CA").Intermediate("Example Issuing CA").Client("warehouse.example")
	chain := warehouse.Presented()
	for name, one := range map[string]struct {
		then   string
		chain  [][]byte
		failed string // what the failure says; empty: it passes
	}{
		"accepted": {`    Then the real sender is accepted
    And the point "chain" of the real sender is good
    And the point "credentials" of the real sender is good
    And the real sender gets verify result 0`, chain, ""},
		"refused": {`    Then the real sender is refused
    And the point "chain" of the real sender is bad
    And the real sender gets verify result 20`, chain[:1], ""},
		"refused unexpectedly":  {`    Then the real sender is accepted`, chain[:1], "found refused"},
		"accepted unexpectedly": {`    Then the real sender is refused`, chain, "found accepted"},
		"another result":        {`    Then the real sender gets verify result 10`, chain[:1], "found 20 (unable to get local issuer certificate)"},
		"another mark":          {`    Then the point "chain" of the real sender is good`, chain[:1], "found it is bad"},
		"no such point":         {`    Then the point "chian" of the real sender is good`, chain, `did you mean "chain"?`},
	} {
		t.Run(name, func(t *testing.T) {
			failed, output := play(t, one.then+"\n", warehouse, one.chain)
			assert.Equal(t, one.failed != "", failed, output)
			assert.Contains(t, output, one.failed)
		})
	}
}

func TestRealSenderThatDoesNotCall(t *testing.T) {
	var out bytes.Buffer
	keys := filepath.ToSlash(t.TempDir())
	status := godog.TestSuite{
		ScenarioInitializer: steps.Register,
		Options: &godog.Options{Format: "pretty", Output: &out, Strict: true, NoColors: true, FeatureContents: []godog.Feature{{Name: "real.feature", Contents: []byte(`Feature: A real sender
  Scenario: It does not call
    Given a receiver on "127.0.0.1:0" that trusts "neo-2022" and keeps its keys in "` + keys + `"
    When a real sender calls within 0 seconds
    Then the real sender is accepted
  Scenario: No receiver
    When a real sender calls within 1 minute
  Scenario: No call
    Then the real sender is accepted
  Scenario: No such list
    Given a receiver on "127.0.0.1:0" that trusts "neo-2020" and keeps its keys in "` + keys + `"
`)}}},
	}.Run()
	assert.NotZero(t, status)
	for _, text := range []string{"no real sender called 127.0.0.1:", "within 0s", "a Given must name one first", "a When must stand before", `no list of that name, did you mean "neo-2022"?`} {
		assert.Contains(t, out.String(), text)
	}
}
