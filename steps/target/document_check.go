package target

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"example.com/gatehouse/simulator/document"
)

// Validate finds what is wrong with the document, short of asking the target. The error is a
// document.Problems.
func (d Document) Validate() error {
	v := checking{d: d}
	v.endpoint("call", d.Call)
	if d.Management != nil {
		v.logon("management", *d.Management)
	}
	if d.Platform != nil {
		v.logon("platform", *d.Platform)
		if d.Platform.User != "" {
			v.fail("platform.user", "the platform API takes no user: give client, the id of a platform API client")
		}
		if d.Management == nil {
			v.fail("platform", "stands without management: add the management section")
		}
	}
	if d.Issuing != nil {
		v.keyPair("issuing", d.Issuing.KeyPair)
		if d.Issuing.IssuerKey != "" {
			v.file("issuing.issuerKey", d.Issuing.IssuerKey)
		}
	}
	for i, s := range d.Senders {
		v.keyPair(fmt.Sprintf("senders[%d]", i), s.KeyPair)
	}
	for i, u := range d.Users {
		path := fmt.Sprintf("users[%d]", i)
		v.required(path+".name", u.Name, "the user of the identity provider")
		v.secret(path, u.Secret, true)
	}
	for i, c := range d.OAuthClients {
		path := fmt.Sprintf("oauthClients[%d]", i)
		v.required(path+".id", c.ID, "the client's id")
		v.url(path+".tokenURL", c.TokenURL)
		v.secret(path, c.Secret, true)
	}
	for i, p := range d.Channels {
		path := fmt.Sprintf("channels[%d]", i)
		v.address(path+".plays", p.Plays)
		v.address(path+".address", p.Address)
	}
	for i, p := range d.Domains {
		path := fmt.Sprintf("domains[%d]", i)
		v.required(path+".plays", p.Plays, "the domain as scenarios write it, orders.example for instance")
		v.required(path+".host", p.Host, "the domain's name")
		if modes := []string{"request", "require", "none"}; p.Mode != modes[0] && p.Mode != modes[1] && p.Mode != modes[2] {
			v.fail(path+".mode", "found %q, expected one of %s%s", p.Mode, strings.Join(modes, ", "), document.DidYouMean(p.Mode, modes))
		}
	}
	if d.Nodes < 0 {
		v.fail("nodes", "found %d, expected how many runtime nodes there are", d.Nodes)
	}
	for name, has := range d.Features {
		switch {
		case !Known(name):
			v.fail("features."+name, "there is no feature %q%s; the features are %s", name, document.DidYouMean(name, Names()), strings.Join(Names(), ", "))
		case has && !slices.Contains(declarable, name):
			v.fail("features."+name, "cannot be declared, it is found out: only %s can be true here; false keeps scenarios from using a feature", strings.Join(declarable, ", "))
		}
	}
	for name, limit := range map[string]int64{"log": int64(d.Limits.Log), "trace": int64(d.Limits.Trace), "absence": int64(d.Limits.Absence), "change": int64(d.Limits.Change)} {
		if limit < 0 {
			v.fail("limits."+name, "is negative, expected a time such as 30s")
		}
	}
	return v.problems.Err()
}

// declarable are the features that only the document can tell, or permit.
var declarable = []string{Echo, Clock, Nodes}

type checking struct {
	d        Document
	problems document.Problems
}

func (v *checking) fail(path, format string, args ...any) {
	v.problems = append(v.problems, v.d.source.Problem(path, format, args...))
}

func (v *checking) required(path, value, what string) {
	if value == "" {
		v.fail(path, "is missing: give %s", what)
	}
}

func (v *checking) endpoint(path string, e Endpoint) {
	v.url(path+".url", e.URL)
	if e.Address != "" {
		if _, _, err := net.SplitHostPort(e.Address); err != nil {
			v.fail(path+".address", "found %q, expected host:port such as 127.0.0.1:8443", e.Address)
		}
	}
	if e.Trust != "" && e.Trust != systemTrust {
		v.file(path+".trust", e.Trust)
	}
}

func (v *checking) url(path, text string) {
	u, err := url.Parse(text)
	switch {
	case text == "":
		v.fail(path, "is missing: give https://host")
	case err != nil || u.Scheme != "https" || u.Host == "":
		v.fail(path, "found %q, expected https://host or https://host:port", text)
	case u.User != nil:
		v.fail(path, "holds a user or password: name the environment variable or the file that holds it with passwordEnv or passwordFile")
	}
}

func (v *checking) logon(path string, i Interface) {
	v.endpoint(path, i.Endpoint)
	switch {
	case i.User != "" && i.Client != "":
		v.fail(path+".client", "stands beside user, expected one way to log on")
	case i.User == "" && i.Client == "":
		v.fail(path, "has neither user nor client: say who logs on")
	}
	if i.TokenURL != "" {
		v.url(path+".tokenURL", i.TokenURL)
	}
	v.secret(path, i.Secret, true)
}

func (v *checking) secret(path string, s Secret, needed bool) {
	switch {
	case s.PasswordEnv != "" && s.PasswordFile != "":
		v.fail(path+".passwordFile", "stands beside passwordEnv, expected one of them")
	case s.PasswordEnv != "":
		if os.Getenv(s.PasswordEnv) == "" {
			v.fail(path+".passwordEnv", "the environment variable %s is not set or empty: set it to the password", s.PasswordEnv)
		}
	case s.PasswordFile != "":
		v.file(path+".passwordFile", s.PasswordFile)
	case needed:
		v.fail(path, "has no secret: name the environment variable or the file that holds it with passwordEnv or passwordFile")
	}
}

func (v *checking) keyPair(path string, k KeyPair) {
	switch {
	case k.Keystore != "" && (k.Certificate != "" || k.Key != ""):
		v.fail(path+".keystore", "stands beside certificate or key, expected the one file or the two")
	case k.Keystore != "":
		v.file(path+".keystore", k.Keystore)
	case k.Certificate == "" || k.Key == "":
		v.fail(path, "names no key pair: give keystore, or certificate and key")
	default:
		v.file(path+".certificate", k.Certificate)
		v.file(path+".key", k.Key)
	}
	v.secret(path, k.Secret, false)
}

func (v *checking) file(path, name string) {
	if info, err := os.Stat(v.d.path(name)); err != nil || info.IsDir() {
		v.fail(path, "there is no file %s: paths begin at the document's folder", v.d.path(name))
	}
}

func (v *checking) address(path, address string) {
	if !strings.HasPrefix(address, "/") {
		v.fail(path, "found %q, expected the full address of a channel such as /http/orders", address)
	}
}

// path is where a file of the document is.
func (d Document) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(d.folder, name)
}
