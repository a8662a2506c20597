package reproduction_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/diagnosis"
	"example.com/gatehouse/simulator/reproduction"
	"example.com/gatehouse/simulator/systemlog"
	"example.com/gatehouse/simulator/tenant"
)

// Each cause has a recipe or a reason why it has none, and nothing else has.
func TestEveryCauseIsAccountedFor(t *testing.T) {
	t.Parallel()
	made := map[string]bool{}
	for _, id := range reproduction.Causes() {
		made[id] = true
	}
	for _, c := range diagnosis.Causes() {
		ok, reason := reproduction.Makable(c.ID)
		assert.Equal(t, made[c.ID], ok, c.ID)
		assert.Equal(t, ok, reason == "", "%s: %s", c.ID, reason)
		assert.NotEqual(t, "it is not known how to make it", reason, c.ID)
		_, err := reproduction.Make(reproduction.NoneKnown(c))
		if ok {
			assert.NoError(t, err, c.ID)
		} else {
			assert.ErrorIs(t, err, reproduction.ErrNotMade, c.ID)
		}
	}
}

// The two landscapes of a cause are both valid documents, and they differ, unless it is the call that
// does.
func TestBrokenAndMendedDiffer(t *testing.T) {
	t.Parallel()
	for _, id := range reproduction.Causes() {
		c, _ := diagnosis.ByID(id)
		made, err := reproduction.Make(reproduction.NoneKnown(c))
		require.NoError(t, err, id)
		files := contents(t, made)
		landscapes := files[reproduction.LandscapeName] != strings.Replace(files[reproduction.MendedName], "The landscape of landscape.yaml, mended", "", 1)
		steps := strings.Join(made.Failure.Steps[2:], "\n") != strings.Join(made.Success.Steps[2:], "\n")
		assert.True(t, landscapes || steps, id)
		assert.Contains(t, files[reproduction.ReadmeName], "`"+id+"`")
		assert.Contains(t, files[reproduction.FeatureName], "Scenario: Mended")
	}
}

func contents(t require.TestingT, r *reproduction.Reproduction) map[string]string {
	files, err := r.Files()
	require.NoError(t, err)
	out := map[string]string{}
	for _, f := range files {
		out[f.Name] = string(f.Data)
	}
	return out
}

// Whatever callers wrote into a log: a reproduction is made, its documents can be read, and the feature
// file has the two scenarios and nothing that somebody else put there.
func TestHostileEvidence(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[/a-zA-Z@."' \n\r\t#|:*-]{0,20}`), rapid.SampledFrom([]string{
		"", "@", "a@b", "a@b c", "/", "/http/", "/http/x", "/cxf/A", "//", "/http/a b", "oauth_client_", "oauth_client_x", "\"", "\n  Scenario: injected", "- x: y", "a\x1b[2J", "x.ondemand.com", "..", "a.example",
		"/HTTP/orders", "/as2/as2/x", "/gw/odata/x", strings.Repeat("a", 2000), "\xff", "CN=a", "C=Germany",
	}))
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.SampledFrom(reproduction.Causes()).Draw(t, "cause")
		c, _ := diagnosis.ByID(id)
		dn := func(label string) string {
			return rapid.SampledFrom([]string{"", "CN=a, C=DE", "C=Germany", "CN=" + strings.Repeat("x", 300), "CN=a\\,b+OU=c, O=\\#d", "CN=\\0Ainjected", "1.2.3=x", "CN=a, CN=b", "O=no name"}).Draw(t, label)
		}
		subject, issuer := dn("subject"), dn("issuer")
		k := reproduction.Known{
			Cause: c, Evidence: true, Logged: rapid.Bool().Draw(t, "logged"), Traced: true,
			At: time.Date(2026, 11, 20, 7, 30, 0, 0, time.UTC), Method: text.Draw(t, "method"), Path: text.Draw(t, "path"),
			Host: text.Draw(t, "host"), User: text.Draw(t, "user"), Status: rapid.SampledFrom([]int{0, 401, 403, 404, 500}).Draw(t, "status"),
			Code: rapid.SampledFrom([]int{0, 18, 19, 20, 21, 24, 26}).Draw(t, "code"), Subject: subject, Issuer: issuer,
			Texts: []string{systemlog.CertificateReceived(text.Draw(t, "traced")), systemlog.NotInTable(subject, issuer)},
			Roles: []diagnosis.AssignedRole{{User: "x", Role: text.Draw(t, "role"), Application: text.Draw(t, "application")}},
			Channel: &reproduction.Channel{Address: text.Draw(t, "address"), Role: text.Draw(t, "channel role"),
				Table: []tenant.DNPair{{Subject: text.Draw(t, "row"), Issuer: text.Draw(t, "row issuer")}}},
		}
		if rapid.Bool().Draw(t, "anonymise") {
			k = reproduction.Anonymise(k)
		}
		made, err := reproduction.Make(k)
		require.NoError(t, err)
		files := contents(t, made)
		for _, name := range []string{reproduction.LandscapeName, reproduction.MendedName} {
			_, err := simulator.Read(name, []byte(files[name]))
			require.NoError(t, err, files[name])
		}
		scenarios := 0
		for line := range strings.Lines(files[reproduction.FeatureName]) {
			if strings.HasPrefix(strings.TrimSpace(line), "Scenario") {
				scenarios++
			}
		}
		require.Equal(t, 2, scenarios, files[reproduction.FeatureName])
		for name, data := range files {
			require.NotContains(t, data, "\x1b", name)
		}
	})
}
