package target

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/sender"
)

// remoteCall is what a remote session knows of a call beside what the sender saw.
type remoteCall struct {
	// marker is what was added to the query, so that the call's lines can be found.
	marker string
	// passport is the last column that the passport which was added would give; empty if none was.
	passport string
	// root is the root context id in it, upper-case hex.
	root string
	// began is by the target's clock.
	began time.Time
	// required tells that the host of the call is in mode require.
	required bool
	// credentials tells whether a logon was sent beside the certificate.
	credentials bool
	seen        map[string]bool // the features that were observed
}

// markerName is the name of the query parameter by which a call is found in the logs.
const markerName = "gatehouse"

func (s *remoteSession) URL(host, path string) (string, error) {
	u := *s.remote.url
	if host != "" && host != BaseHost {
		name, ok := s.names.host(host)
		if !ok {
			return "", &UnsupportedError{Feature: Domains, Reason: fmt.Sprintf("the target document has no domain that plays %q", host)}
		}
		if u.Host = name; s.remote.url.Port() != "" {
			u.Host = name + ":" + s.remote.url.Port()
		}
	}
	return u.Scheme + "://" + u.Host + s.names.path(path), nil
}

func (s *remoteSession) Do(ctx context.Context, from *sender.Sender, message sender.Call) (*Call, error) {
	c := &Call{remote: &remoteCall{marker: markerName + "=" + s.remote.id(8), began: s.Now(), seen: map[string]bool{}}}
	if message.Address == "" {
		message.Address = s.remote.document.Call.Address
	}
	joint := "?"
	if strings.Contains(message.URL, "?") {
		joint = "&"
	}
	message.URL += joint + c.remote.marker
	if s.remote.logs != nil && ctx.Value(barePassport{}) == nil && !carriesPassport(message) {
		raw, root, column := newPassport(s.remote.id)
		message.RawHeader = append(message.RawHeader[:len(message.RawHeader):len(message.RawHeader)], passportHeader+": "+hex.EncodeToString(raw))
		c.remote.root, c.remote.passport = root, column
	}
	c.remote.required = s.remote.requires(message.URL)
	c.remote.credentials = from.Basic != nil || from.Bearer != ""
	// The same sender, so that it keeps what it keeps between calls. A session belongs to one goroutine.
	given := from.Basic
	from.Basic = s.translated(given)
	defer func() { from.Basic = given }()
	result, err := from.Do(ctx, message)
	if err != nil {
		return nil, err
	}
	if cookies := result.Header.Values("Set-Cookie"); len(cookies) > 0 {
		// The affinity cookie is named after the host.
		result.Header = result.Header.Clone()
		result.Header.Del("Set-Cookie")
		for _, cookie := range cookies {
			result.Header.Add("Set-Cookie", s.names.backHost(cookie))
		}
	}
	c.Result = result
	c.Journey = journey.Journey{Status: result.Status, Client: result.LocalAddr, Request: result.Request}.WithSender(result.Stop())
	c.Deduced = true
	return c, nil
}

type barePassport struct{}

// WithoutPassport has the calls that are made with the context carry no SAP passport. Else a target
// that is not in this process gets one with each call, by which its trace records are found.
func WithoutPassport(ctx context.Context) context.Context {
	return context.WithValue(ctx, barePassport{}, true)
}

// carriesPassport tells whether the scenario sends a passport of its own, or says that there is none.
func carriesPassport(m sender.Call) bool {
	for name := range m.Header {
		if strings.EqualFold(name, passportHeader) {
			return true
		}
	}
	for _, line := range m.RawHeader {
		if name, _, _ := strings.Cut(line, ":"); strings.EqualFold(name, passportHeader) {
			return true
		}
	}
	return false
}

// translated is the logon with the target's names.
func (s *remoteSession) translated(given *sender.Credentials) *sender.Credentials {
	if given == nil {
		return nil
	}
	out := &sender.Credentials{User: s.names.user(given.User), Password: given.Password}
	if known, ok := s.passwords[given.User]; ok && known.scenario == out.Password {
		out.Password = known.target
	}
	return out
}

func (s *remoteSession) Misbehave(context.Context, sender.Misbehaviour, sender.Manner) (*Call, error) {
	return nil, s.remote.needs(Limits)
}

// Observe finds what the logs got for the call, and works out where it ended.
func (s *remoteSession) Observe(ctx context.Context, c *Call, feature string) error {
	if c.remote == nil || c.remote.seen[feature] {
		return nil
	}
	if err := s.remote.needs(feature); err != nil {
		return err
	}
	if feature == Stations && s.remote.own != nil {
		if done, err := s.ownJourney(ctx, c); err != nil || done {
			return err
		}
	}
	if !c.remote.seen[AccessLog] && s.remote.logs != nil {
		if err := s.findLines(ctx, c); err != nil {
			return err
		}
		c.remote.seen[AccessLog] = true
	}
	if (feature == Trace || feature == Stations) && !c.remote.seen[Trace] && s.remote.logs != nil {
		if err := s.findRecords(ctx, c); err != nil {
			return err
		}
		c.remote.seen[Trace] = true
	}
	if c.Deduced {
		j, err := deduce(c)
		if err != nil && feature == Stations {
			return err
		}
		if err == nil {
			c.Journey = j
		}
	}
	c.remote.seen[feature] = true
	return nil
}

// ownJourney takes the record of a running simulator.
func (s *remoteSession) ownJourney(ctx context.Context, c *Call) (bool, error) {
	if c.Result.Stage == sender.StageDial {
		return false, nil
	}
	j, err := s.remote.own.journey(ctx, wanted{
		client: c.Result.LocalAddr, request: c.Result.Request, logged: c.remote.marker, line: answeredBefore(c.Result) + 1,
	}, s.remote.waits.Absence)
	if err != nil {
		return false, &FaultError{"reading the record of a call", err}
	}
	if j == nil {
		return false, nil // what the sender and the logs tell is all there is
	}
	c.Journey = s.names.journey(*j, c.remote.marker).WithSender(c.Result.Stop())
	c.Deduced = false
	c.remote.seen[Stations] = true
	return true, nil
}

// waitFor looks until there is something to see, a fault, or the limit is over; the last is no
// error.
func waitFor(ctx context.Context, limit time.Duration, look func() (bool, error)) error {
	end := time.NewTimer(limit)
	defer end.Stop()
	pause := PollInterval / 10
	for {
		done, err := look()
		if done || err != nil {
			return err
		}
		next := time.NewTimer(pause)
		select {
		case <-next.C:
		case <-end.C:
			next.Stop()
			_, err := look()
			return err
		case <-ctx.Done():
			next.Stop()
			return fmt.Errorf("waiting for the target: %w", context.Cause(ctx))
		}
		pause = min(2*pause, PollInterval)
	}
}

const passportHeader = "sap-passport"

// Passport is an SAP passport of version 3: 230 bytes between two marks, with a transaction id of 32
// characters at 149, a root context id at 186 and a connection id at 202. The layout is that which
// package node reads, and inferred as there.
func Passport(transaction string, rootContext, connection [16]byte) []byte {
	raw := bytes.Repeat([]byte{' '}, 230)
	copy(raw, "*TH*")
	raw[4], raw[5], raw[6] = 3, 0, 230
	copy(raw[149:181], transaction)
	copy(raw[186:], rootContext[:])
	copy(raw[202:], connection[:])
	copy(raw[226:], "*TH*")
	return raw
}

// newPassport is a passport with ids of its own, the root context id, and the column of the access log
// in which all three stand.
func newPassport(id func(int) string) (raw []byte, root, column string) {
	transaction, context, connection := strings.ToUpper(id(16)), id(16), id(16)
	var parts [2][16]byte
	for i, text := range []string{context, connection} {
		part, _ := hex.DecodeString(text)
		copy(parts[i][:], part)
	}
	raw = Passport(transaction, parts[0], parts[1])
	root = strings.ToUpper(context)
	return raw, root, root + "/" + transaction + "/1/" + strings.ToUpper(connection)
}
