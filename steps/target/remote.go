package target

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/management"
	"example.com/gatehouse/simulator/sender"
)

// Remote is a target that is not in this process and that scenarios share: a running "gatehouse
// serve", or a real tenant. It looks at the target to find out what it can do; a target that cannot
// be reached, or does not let one in, is a *FaultError, a file that cannot be used an error that
// says which.
func Remote(ctx context.Context, d Document) (Target, error) {
	r, err := newRemote(d)
	if err != nil {
		return nil, err
	}
	limit, cancel := context.WithTimeout(ctx, ProbeLimit)
	defer cancel()
	if err := r.probe(limit); err != nil {
		r.hangUp()
		return nil, err
	}
	return r, nil
}

// remote is a target at a URL.
type remote struct {
	document Document
	waits    Waits
	url      *url.URL
	trust    sender.Trust
	issuing  *pki.Certificate
	api      tenantInterfaces  // nil without
	own      ownInterfaces     // nil for a real tenant
	facts    *management.Facts // of a running simulator
	logs     *follower         // nil without
	lacks    map[string]string
	noUpload string // why no flow can be uploaded; empty if one can

	mu       sync.Mutex
	offset   time.Duration // of the target's clock against ours
	sessions map[*remoteSession]bool
	left     []error // what could not be put back
}

// newRemote reads what the document names.
func newRemote(d Document) (*remote, error) {
	if err := d.Validate(); err != nil {
		return nil, err
	}
	u, err := url.Parse(d.Call.URL)
	if err != nil {
		return nil, fmt.Errorf("the target's call.url: %w", err)
	}
	r := &remote{document: d, waits: d.Limits.withDefaults(), url: u, sessions: map[*remoteSession]bool{}}
	roots, err := d.roots(d.Call)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the target's call.trust: %w", err)
	case roots == nil:
		if r.trust, err = sender.TrustSystem(); err != nil {
			return nil, err
		}
	default:
		r.trust = sender.TrustRoots(roots)
	}
	if d.Issuing != nil {
		if r.issuing, err = d.authority(*d.Issuing, pki.Options{Now: r.now}); err != nil {
			return nil, fmt.Errorf("the target's issuing CA: %w", err)
		}
	}
	if r.api, r.own, err = d.interfaces(); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *remote) Name() string {
	if r.document.Name != "" {
		return r.document.Name
	}
	return r.url.Host
}

// Features lists the features that Supports knows.
func (r *remote) Features() []string { return Names() }

func (r *remote) Supports(feature string) (bool, string) {
	if !Known(feature) {
		return false, fmt.Sprintf("there is no feature %q", feature)
	}
	reason, lacks := r.lacks[feature]
	return !lacks, reason
}

// needs is an *UnsupportedError for the first feature that the target lacks.
func (r *remote) needs(features ...string) error {
	for _, f := range features {
		if ok, reason := r.Supports(f); !ok {
			return &UnsupportedError{Feature: f, Reason: reason}
		}
	}
	return nil
}

// Sanity makes one good call. A target that is known by its URL alone has no good sender: that
// somebody answers over TLS is all that can be asked.
func (r *remote) Sanity(ctx context.Context) error {
	if ok, _ := r.Supports(GoodSender); ok {
		return sanity(ctx, r)
	}
	return r.answers(ctx)
}

// answers makes a call without identity, which any target answers.
func (r *remote) answers(ctx context.Context) error {
	_, err := r.ask(ctx)
	return err
}

// ask makes a call without identity and returns its status.
func (r *remote) ask(ctx context.Context) (status int, err error) {
	one := &sender.Sender{Name: "probe", Trust: r.trust, CheckHostName: true, Timeout: ProbeLimit}
	defer one.Close()
	result, err := one.Do(ctx, sender.Call{URL: r.url.JoinPath("/http/gatehouse-probe").String(), Address: r.document.Call.Address})
	if err == nil {
		err = result.Err
	}
	if err != nil {
		return 0, &FaultError{"calling " + r.url.Host, err}
	}
	return result.Status, nil
}

// now is the target's time.
func (r *remote) now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Now().Add(r.offset)
}

// moved notes that the target's clock was moved.
func (r *remote) moved(by time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.offset += by
}

// nodes is how many runtime nodes there are; 0 if that is not known.
func (r *remote) nodes() int {
	if r.facts != nil {
		return len(r.facts.Nodes)
	}
	return r.document.Nodes
}

// id makes a short id that nothing else has.
func (r *remote) id(bytes int) string {
	raw := make([]byte, bytes)
	_, _ = rand.Read(raw) // never fails
	return hex.EncodeToString(raw)
}

func (r *remote) Open(ctx context.Context, setup Setup) (Session, error) {
	s := &remoteSession{remote: r, names: newNames(r.id(3))}
	if err := s.settle(setup); err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.sessions[s] = true
	r.mu.Unlock()
	for _, c := range setup.Channels {
		if err := s.PutChannel(ctx, c); err != nil {
			return nil, errors.Join(err, s.Close(context.WithoutCancel(ctx)))
		}
	}
	return s, nil
}

// Close puts back what sessions changed that did not end, and tells everything that could not be
// put back since the beginning.
func (r *remote) Close(ctx context.Context) error {
	r.mu.Lock()
	var open []*remoteSession
	for s := range r.sessions {
		open = append(open, s)
	}
	r.mu.Unlock()
	for _, s := range open {
		_ = s.Close(context.WithoutCancel(ctx)) // what fails is in r.left
	}
	r.hangUp()
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := errors.Join(r.left...); err != nil {
		return &FaultError{"putting back what was changed on the target", err}
	}
	return nil
}

// hangUp closes idle connections.
func (r *remote) hangUp() {
	if r.api != nil {
		r.api.close()
	}
	if r.own != nil {
		r.own.close()
	}
}

// requires tells whether the host of a URL is a custom domain in mode require.
func (r *remote) requires(callURL string) bool {
	u, err := url.Parse(callURL)
	return err == nil && slices.ContainsFunc(r.document.Domains, func(d PlayedDomain) bool {
		return d.Mode == "require" && strings.EqualFold(d.Host, u.Hostname())
	})
}

// defaultHost is the host of the call URL, without port.
func (r *remote) defaultHost() string { return r.url.Hostname() }
